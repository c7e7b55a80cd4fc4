//! Folders of IDX files: accepted layouts and the messages of errors.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs;
use std::path::Path;

use data::{Dataset, Finder, ImageShape, Network, SilentFetch, Source, Verification};
use support::{gzip, idx};
use tempfile::TempDir;

/// Three training and two test images of 2×3 in three classes.
fn small() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "train-images-idx3-ubyte", &idx(&[3, 2, 3], &(0..18).collect::<Vec<u8>>()));
    write(&folder, "train-labels-idx1-ubyte", &idx(&[3], &[0, 1, 2]));
    write(&folder, "t10k-images-idx3-ubyte", &idx(&[2, 2, 3], &[200; 12]));
    write(&folder, "t10k-labels-idx1-ubyte", &idx(&[2], &[2, 0]));
    folder
}

fn write(folder: &TempDir, name: &str, bytes: &[u8]) {
    fs::write(folder.path().join(name), bytes).unwrap();
}

fn load(folder: &Path) -> Result<Dataset, data::DataError> {
    let finder = Finder::new(Some(folder.join("cache")), Network::Offline, Vec::new()).unwrap();
    let source = Source::parse(&folder.to_string_lossy(), Path::new("")).unwrap();
    assert!(finder.is_local(&source) && source.pinned_info().is_none());
    let loaded = finder.load(&source, &mut SilentFetch);
    if let Err(error) = &loaded {
        assert!(!error.is_unavailable(), "wrong content must not lead to a fallback: {error}");
    }
    loaded
}

fn message(folder: &TempDir) -> String {
    load(folder.path()).unwrap_err().to_string()
}

#[test]
fn any_image_shape_and_class_count_is_accepted() {
    let folder = small();
    let dataset = load(folder.path()).unwrap();
    assert_eq!(dataset.shape, ImageShape { rows: 2, columns: 3 });
    assert_eq!(
        (dataset.shape.to_string().as_str(), dataset.shape.features(), dataset.classes),
        ("2×3", 6, 3)
    );
    assert_eq!(dataset.train.image(1), Some(&[6, 7, 8, 9, 10, 11][..]));
    assert_eq!((dataset.train.image(3), dataset.test.image(usize::MAX)), (None, None));
    assert_eq!(dataset.folder.as_deref(), Some(folder.path()));
    assert_eq!(dataset.verification, Verification::Unverified);
}

#[test]
fn plain_gzipped_and_dotted_files_are_equivalent() {
    let folder = small();
    let expected = load(folder.path()).unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::rename(path("train-images-idx3-ubyte"), path("train-images.idx3-ubyte")).unwrap();
    let labels = fs::read(path("train-labels-idx1-ubyte")).unwrap();
    fs::remove_file(path("train-labels-idx1-ubyte")).unwrap();
    write(&folder, "train-labels.idx1-ubyte.gz", &gzip(&labels));
    // The content identifies gzip, whatever the name is.
    let images = fs::read(path("t10k-images-idx3-ubyte")).unwrap();
    write(&folder, "t10k-images-idx3-ubyte", &gzip(&images));
    write(&folder, "t10k-images-idx3-ubyte.gz", b"ignored");
    assert_eq!(load(folder.path()).unwrap(), expected);
}

#[test]
fn error_names_the_file_and_the_defect() {
    type Case = (&'static str, Vec<u8>, &'static [&'static str]);
    let cases: [Case; 10] = [
        ("train-images-idx3-ubyte", vec![], &["is empty", "replace it"]),
        (
            "train-images-idx3-ubyte",
            idx(&[3, 2, 3], &[0; 17]),
            &["truncated", "expected 34 bytes", "found 33"],
        ),
        ("train-images-idx3-ubyte", idx(&[3, 2, 3], &[0; 19]), &["after the end"]),
        (
            "train-images-idx3-ubyte",
            idx(&[3], &[0; 3]),
            &["wrong magic number", "a file of labels"],
        ),
        (
            "train-labels-idx1-ubyte",
            idx(&[3, 1, 1], &[0; 3]),
            &["wrong magic number", "a file of images"],
        ),
        (
            "t10k-images-idx3-ubyte",
            gzip(&idx(&[2, 2, 3], &[0; 12]))[..20].to_vec(),
            &["gzip", "damaged or cut off"],
        ),
        (
            "train-labels-idx1-ubyte",
            idx(&[2], &[0, 1]),
            &["3 training images but 2 training labels"],
        ),
        (
            "t10k-images-idx3-ubyte",
            idx(&[2, 3, 2], &[0; 12]),
            &["training images are 2×3", "test images 3×2"],
        ),
        ("t10k-images-idx3-ubyte", idx(&[0, 2, 3], &[]), &["dimensions [0, 2, 3]"]),
        ("t10k-images-idx3-ubyte", idx(&[u32::MAX; 3], &[]), &["too large"]),
    ];
    for (name, bytes, expected) in cases {
        let folder = small();
        write(&folder, name, &bytes);
        let message = message(&folder);
        assert!(message.contains(&*folder.path().to_string_lossy()), "{message}");
        for part in expected {
            assert!(message.contains(part), "expected '{part}' in: {message}");
        }
    }
}

#[test]
fn single_class_is_rejected() {
    let folder = small();
    write(&folder, "train-labels-idx1-ubyte", &idx(&[3], &[0; 3]));
    write(&folder, "t10k-labels-idx1-ubyte", &idx(&[2], &[0; 2]));
    assert!(message(&folder).contains("2 to 256 classes"));
    write(&folder, "t10k-labels-idx1-ubyte", &idx(&[2], &[0, 255]));
    assert_eq!(load(folder.path()).unwrap().classes, 256);
}

#[test]
fn missing_files_and_folders_are_named() {
    let folder = small();
    fs::remove_file(folder.path().join("t10k-images-idx3-ubyte")).unwrap();
    fs::remove_file(folder.path().join("train-labels-idx1-ubyte")).unwrap();
    let lacking = message(&folder);
    assert!(lacking.contains("lacks t10k-images-idx3-ubyte, train-labels-idx1-ubyte"), "{lacking}");
    let absent = load(&folder.path().join("\u{1b}[31mnowhere")).unwrap_err().to_string();
    assert!(absent.contains("\\u{1b}[31mnowhere does not exist"), "{absent}");
    let file = load(&folder.path().join("train-images-idx3-ubyte")).unwrap_err().to_string();
    assert!(file.contains("is not a folder"), "{file}");
}

#[test]
fn sums_file_pins_a_folder() {
    let folder = small();
    let sums: String = load(folder.path())
        .unwrap()
        .files
        .iter()
        .map(|digest| format!("{}  {}\n", digest.sha256, digest.file))
        .collect();
    write(&folder, "SHA256SUMS", format!("{sums}abc  something-else.txt\n").as_bytes());
    assert_eq!(load(folder.path()).unwrap().verification, Verification::SumsFile);
    write(&folder, "train-labels-idx1-ubyte", &idx(&[3], &[0, 2, 1]));
    assert!(message(&folder).contains("train-labels-idx1-ubyte: wrong SHA-256"));
    write(&folder, "SHA256SUMS", b"# mine\n123 *train-labels-idx1-ubyte\n");
    assert!(message(&folder).contains("SHA256SUMS: line 2 has no valid SHA-256"));
}

#[test]
fn source_is_a_known_name_or_a_folder() {
    let folder = small();
    let parse = |text: &str| Source::parse(text, folder.path());
    assert_eq!(parse("digits").unwrap().pinned_info().map(|info| info.train_len), Some(1437));
    assert_eq!(parse("mnist").unwrap().pinned_info().map(|info| info.classes), Some(10));
    assert!(parse("kmnist").unwrap().pinned_info().is_none());
    fs::create_dir(folder.path().join("letters")).unwrap();
    for text in ["letters", "./letters", "not/there", "."] {
        assert_eq!(parse(text).unwrap().name(), text);
    }
    let unknown = parse("Fashion_MNIST").unwrap_err().to_string();
    assert!(
        unknown.contains("did you mean fashion-mnist?") && unknown.contains("kmnist"),
        "{unknown}"
    );
    assert!(parse("").is_err() && parse("cifar10").is_err());
}

#[test]
fn only_zero_padding_may_follow_gzip_data() {
    let folder = small();
    let expected = load(folder.path()).unwrap();
    let labels = fs::read(folder.path().join("train-labels-idx1-ubyte")).unwrap();
    let (first, second) = labels.split_at(5);
    for padded in [
        [gzip(&labels), vec![0; 512]].concat(),
        [gzip(&labels), vec![0; 100_000]].concat(),
        [gzip(first), vec![0; 7], gzip(second), vec![0; 3]].concat(),
        [gzip(first), gzip(second)].concat(),
    ] {
        write(&folder, "train-labels-idx1-ubyte", &padded);
        assert_eq!(load(folder.path()).unwrap(), expected);
    }
    for other in
        [[gzip(&labels), b"\0\0other".to_vec()].concat(), [gzip(&labels), b"x".to_vec()].concat()]
    {
        write(&folder, "train-labels-idx1-ubyte", &other);
        assert!(
            message(&folder).contains("other bytes follow the end of the gzip data"),
            "{}",
            message(&folder)
        );
    }
}

/// torchvision stores the files in `MNIST/raw` below the folder that the user names. EMNIST uses
/// other file names.
#[test]
fn torchvision_and_emnist_layouts_are_found() {
    let folder = small();
    let expected = load(folder.path()).unwrap();
    let move_all = |target: &TempDir, rename: &dyn Fn(&str) -> String| {
        for file in
            fs::read_dir(folder.path()).unwrap().flatten().filter(|file| file.path().is_file())
        {
            let name = rename(file.file_name().to_str().unwrap());
            fs::create_dir_all(target.path().join(&name).parent().unwrap()).unwrap();
            fs::copy(file.path(), target.path().join(name)).unwrap();
        }
    };
    let same = |folder: &TempDir| {
        let found = load(folder.path()).unwrap();
        assert_eq!((&found.train, &found.test), (&expected.train, &expected.test));
    };
    let torchvision = tempfile::tempdir().unwrap();
    move_all(&torchvision, &|name| format!("FashionMNIST/raw/{name}"));
    same(&torchvision);
    let raw = tempfile::tempdir().unwrap();
    move_all(&raw, &|name| format!("raw/{name}"));
    same(&raw);
    let emnist = tempfile::tempdir().unwrap();
    move_all(&emnist, &|name| format!("emnist-letters-{}", name.replace("t10k", "test")));
    same(&emnist);

    // A folder with several datasets is ambiguous.
    move_all(&emnist, &|name| format!("emnist-digits-{}", name.replace("t10k", "test")));
    move_all(&torchvision, &|name| format!("MNIST/raw/{name}"));
    for (folder, words) in [
        (
            &emnist,
            "several datasets (emnist-digits-train-… and emnist-digits-test-…; emnist-letters-train-…",
        ),
        (&torchvision, "several datasets (FashionMNIST/raw; MNIST/raw)"),
    ] {
        assert!(message(folder).contains(words), "{}", message(folder));
    }
}
