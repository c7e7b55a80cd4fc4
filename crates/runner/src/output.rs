//! Standard output.

use std::io::{self, ErrorKind, Write};

/// Standard output, where that nobody reads it any more ends nothing: what was begun is done, and the exit status says what came of it.
pub fn output() -> impl Write {
    Output(anstream::stdout().lock())
}

struct Output<W>(W);

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        told(self.0.write(bytes), bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        told(self.0.flush(), ())
    }
}

/// What came of it; `unread`, where nobody reads.
fn told<T>(written: io::Result<T>, unread: T) -> io::Result<T> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(unread),
        Err(error) if error.kind() != ErrorKind::Interrupted => {
            Err(io::Error::new(error.kind(), format!("cannot write to standard output: {error}")))
        }
        written => written,
    }
}
