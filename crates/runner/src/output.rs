//! Standard output.

use std::io::{self, ErrorKind, Write};

/// Standard output that ignores broken pipes: a command completes its work and returns its exit
/// code, even if nothing reads its output.
pub fn output() -> impl Write {
    Output(anstream::stdout().lock())
}

struct Output<W>(W);

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        ignore_broken_pipe(self.0.write(bytes), bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        ignore_broken_pipe(self.0.flush(), ())
    }
}

/// The result of a write, or `ok` if the pipe is broken.
fn ignore_broken_pipe<T>(written: io::Result<T>, ok: T) -> io::Result<T> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ok),
        Err(error) if error.kind() != ErrorKind::Interrupted => {
            Err(io::Error::new(error.kind(), format!("cannot write to standard output: {error}")))
        }
        written => written,
    }
}
