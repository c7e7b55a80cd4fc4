//! The code of a program: command, directory, environment and files. It identifies the trials that
//! the program trains.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::experiment::command_template::PARAMS;
use crate::experiment::learner::{Misfit, Params, Subject, Workload};
use crate::experiment::program_section::ProgramSection;

/// The code of a program.
#[derive(Debug, Clone)]
pub struct Code {
    /// SHA-256 of the command template, the directory, the environment and the files.
    pub sha256: String,
    files: Vec<CodeFile>,
    /// The hyperparameters that the command needs.
    placeholders: Vec<String>,
}

/// A file of a program when it was read.
#[derive(Debug, Clone)]
struct CodeFile {
    path: PathBuf,
    sha256: String,
    stamp: Stamp,
}

/// Size and time of a file. As long as they are equal, the file counts as unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
}

impl Code {
    /// Reads the files of a program.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn read(program: &ProgramSection) -> Result<Self> {
        let files = program.files.iter().map(|file| CodeFile::read(&file.path));
        let files = files.collect::<Result<Vec<_>>>()?;
        let json = |text: &str| serde_json::Value::from(text).to_string();
        let mut text = format!(
            "candle-sweep program v1\ncommand={}\ndirectory={}\n",
            serde_json::Value::from(program.command.words.clone()),
            json(&normalized(Path::new(&program.written_directory)))
        );
        for (name, value) in &program.env {
            text.push_str(&format!("env {}={}\n", json(name), json(value)));
        }
        for (named, file) in program.files.iter().zip(&files) {
            text.push_str(&format!("file {}={}\n", json(&named.name), file.sha256));
        }
        let placeholders = program.command.placeholders().filter(|name| *name != PARAMS);
        let placeholders = placeholders.map(str::to_owned).collect();
        Ok(Self { sha256: hex(&Sha256::digest(text)), files, placeholders })
    }

    /// The first digits of the digest.
    pub fn short(&self) -> &str {
        self.sha256.get(..12).unwrap_or(&self.sha256)
    }

    /// Checks that no file has changed since it was read: a trial would be recorded as trained by
    /// code that did not train it.
    ///
    /// # Errors
    /// If a file has changed or cannot be read.
    pub fn check_unchanged(&self) -> Result<()> {
        for file in &self.files {
            let unchanged = Stamp::of(&file.path).is_ok_and(|stamp| stamp == file.stamp);
            if !unchanged && CodeFile::read(&file.path)?.sha256 != file.sha256 {
                bail!(
                    "{} has changed since the sweep began: run the sweep again to train all trials \
                     with the new code",
                    file.path.display()
                );
            }
        }
        Ok(())
    }
}

impl CodeFile {
    fn read(path: &Path) -> Result<Self> {
        let read = || io::Result::Ok((Stamp::of(path)?, digest(path)?));
        let (stamp, sha256) = read().with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self { path: path.to_owned(), sha256, stamp })
    }
}

impl Stamp {
    fn of(path: &Path) -> io::Result<Self> {
        let file = path.metadata()?;
        Ok(Self { length: file.len(), modified: file.modified().ok() })
    }
}

fn digest(path: &Path) -> io::Result<String> {
    let (mut file, mut sha256) = (File::open(path)?, Sha256::new());
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&sha256.finalize())),
            count => sha256.update(&buffer[..count]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A path without `.` components and repeated separators.
fn normalized(path: &Path) -> String {
    let components = path.components().filter(|component| *component != Component::CurDir);
    components.collect::<PathBuf>().to_string_lossy().into_owned()
}

impl Subject for Code {
    /// Names and texts are encoded as JSON, so that different fields never give the same text.
    fn id_fields(&self, params: &Params) -> Vec<(String, String)> {
        let json = |text: &str| serde_json::Value::from(text).to_string();
        let value = |value: &tracking::Value| match value {
            tracking::Value::Text(text) => json(text),
            number => number.to_string(),
        };
        let params = params.iter().map(|(name, param)| (json(name), value(param)));
        [("program".to_owned(), self.sha256.clone())].into_iter().chain(params).collect()
    }

    fn workload(&self, params: &Params) -> Result<Workload, String> {
        let fields = self.id_fields(params).into_iter();
        let trajectory_key = fields.map(|(name, value)| format!("{name}={value} ")).collect();
        Ok(Workload { epochs: None, steps: 1, cost: 1, trajectory_key })
    }

    fn misfit(&self, trials: &[Params]) -> Option<Misfit> {
        let lacks = |name: &&String| {
            trials.iter().any(|params| params.iter().all(|(known, _)| known != *name))
        };
        let name = self.placeholders.iter().find(lacks)?.clone();
        Some(Misfit {
            message: format!("some trials have no '{name}', which the command needs"),
            expected: "expected a value in every sweep".to_owned(),
            help: "add it to the other sweeps, or pass {params} instead",
            name,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use std::fs;
    use std::sync::Arc;

    use super::*;
    use crate::executor::built_in::BuiltIn;
    use crate::experiment::plan::Plan;
    use crate::experiment::spec::{Spec, Trained};

    const PROGRAM: &str = r#"
command = ["sh", "a.sh", "{depth}", "{rate}"]
files = ["a.sh", "b.csv"]
env = { A = "1", B = "2" }
"#;

    /// A folder with the files of a program.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        for name in ["a.sh", "b.csv", "c.sh", "sub/a.sh", "sub/b.csv"] {
            fs::write(folder.path().join(name), "text").unwrap();
        }
        folder
    }

    /// The code of a program, and the trial ids with this code.
    fn code(folder: &Path, program: &str, trials: &str) -> (Code, Vec<String>) {
        let path = folder.join("experiment.toml");
        fs::write(&path, format!("name = \"a\"\n[program]{program}{trials}")).unwrap();
        let spec = Spec::read(&path, &[], Arc::new(BuiltIn)).unwrap();
        let Trained::Program(program) = &spec.trained else { panic!("no program") };
        let code = Code::read(program).unwrap();
        let plan = Plan::new(&spec, &code).unwrap();
        let ids = plan.trials.iter().map(|trial| trial.id.to_string()).collect();
        (code, ids)
    }

    const TRIALS: &str = "[train]\nrate = 0.5\n[sweep]\ndepth = [1, 2]\n";

    fn sha256(folder: &Path, program: &str) -> String {
        code(folder, program, TRIALS).0.sha256
    }

    #[test]
    fn digest_changes_with_command_directory_env_and_files() {
        let folder = folder();
        let at = folder.path();
        let first = sha256(at, PROGRAM);
        for (from, to) in [
            ("{depth}\", \"{rate}", "{rate}\", \"{depth}"),
            ("\"sh\"", "\"bash\""),
            ("\"a.sh\", \"{", "\"a.sh {"),
            ("\"b.csv\"", "\"c.sh\""),
            (", \"b.csv\"", ""),
            ("A = \"1\"", "A = \"3\""),
            ("A = \"1\"", "C = \"1\""),
            (", B = \"2\"", ""),
            ("env", "directory = \"sub\"\nenv"),
        ] {
            let changed = PROGRAM.replace(from, to);
            assert_ne!(changed, PROGRAM);
            assert_ne!(sha256(at, &changed), first, "{changed}");
        }
        fs::write(at.join("b.csv"), "other").unwrap();
        assert_ne!(sha256(at, PROGRAM), first);
    }

    #[test]
    fn digest_ignores_order_jobs_timeout_and_place() {
        let folder = folder();
        let first = sha256(folder.path(), PROGRAM);
        for (from, to) in [
            ("A = \"1\", B = \"2\"", "B = \"2\", A = \"1\""),
            ("\"a.sh\", \"b.csv\"", "\"b.csv\", \"a.sh\""),
            ("env", "jobs = 7\ntimeout = \"3m\"\nenv"),
            ("env", "directory = \"./\"\nenv"),
            ("env", "output = { pattern = \"(?<loss>.)\" }\nenv"),
        ] {
            let changed = PROGRAM.replace(from, to);
            assert_ne!(changed, PROGRAM);
            assert_eq!(sha256(folder.path(), &changed), first, "{changed}");
        }
        let other = self::folder();
        assert_eq!(sha256(other.path(), PROGRAM), first, "the place of the folder");
    }

    #[test]
    fn trial_ids_follow_code_and_hyperparameters_alone() {
        let folder = folder();
        let at = folder.path();
        let ids = |program: &str, trials: &str| code(at, program, trials).1;
        let first = ids(PROGRAM, TRIALS);
        assert_eq!(first.len(), 2);
        assert_ne!(first[0], first[1]);
        let reordered = "[sweep]\ndepth = [1, 2]\nrate = [0.5]\n";
        assert_eq!(ids(PROGRAM, reordered), first);
        let changed = PROGRAM.replace("A = \"1\"", "A = \"3\"");
        assert!(ids(&changed, TRIALS).iter().all(|id| !first.contains(id)));
        let text = TRIALS.replace("[1, 2]", "[\"1\", \"2\"]");
        assert!(ids(PROGRAM, &text).iter().all(|id| !first.contains(id)), "text is no number");
    }

    #[test]
    fn changed_file_stops_the_sweep() {
        let folder = folder();
        let (code, _) = code(folder.path(), PROGRAM, TRIALS);
        code.check_unchanged().unwrap();
        fs::write(folder.path().join("a.sh"), "text").unwrap();
        code.check_unchanged().unwrap();
        fs::write(folder.path().join("a.sh"), "changed").unwrap();
        let error = code.check_unchanged().unwrap_err().to_string();
        assert!(error.contains("has changed since the sweep began"), "{error}");
    }
}
