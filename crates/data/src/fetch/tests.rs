//! Downloads from a server of our own.
