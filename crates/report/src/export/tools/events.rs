//! Event files as TensorBoard reads them: records of the TFRecord format, each an `Event`. The messages are the parts of
//! TensorFlow's `event.proto`, `summary.proto`, `tensor.proto` and of TensorBoard's `plugin_data.proto` that are written here.

use std::collections::BTreeMap;

use prost::{Enumeration, Message, Oneof};

/// Begins every file.
const VERSION: &str = "brain.Event:2";
/// A 32-bit float, to TensorFlow.
const FLOAT: i32 = 1;

/// The bytes of an event file, event by event.
#[derive(Debug, Default)]
pub struct Events(Vec<u8>);

impl Events {
    /// A file that begins at this time, in seconds since 1970.
    pub fn begun(wall_time: f64) -> Self {
        let mut events = Self::default();
        events.add(&Event {
            wall_time,
            file_version: Some(VERSION.to_owned()),
            ..Event::default()
        });
        events
    }

    /// A number.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "TensorBoard's own loader keeps numbers in single precision"
    )]
    pub fn scalar(&mut self, wall_time: f64, step: u32, tag: &str, value: f64) {
        let value = SummaryValue {
            tag: tag.to_owned(),
            simple_value: Some(value as f32),
            ..SummaryValue::default()
        };
        self.add(&Event {
            wall_time,
            step: step.into(),
            file_version: None,
            summary: Some(Summary { values: vec![value] }),
        });
    }

    /// The hyperparameters of a run, or its end.
    pub fn hparams(&mut self, wall_time: f64, session: Session) {
        let tag = match session {
            Session::Start(_) => "_hparams_/session_start_info",
            Session::End(_) => "_hparams_/session_end_info",
        };
        let content = PluginContent { version: 0, session: Some(session) }.encode_to_vec();
        let plugin = PluginData { plugin_name: "hparams".to_owned(), content };
        let metadata = Some(Metadata { plugin: Some(plugin) });
        // Everything is in the metadata: the value is a vector of nothing.
        let tensor =
            Some(Tensor { dtype: FLOAT, shape: Some(Shape { dims: vec![Dimension { size: 0 }] }) });
        let value = SummaryValue { tag: tag.to_owned(), simple_value: None, tensor, metadata };
        self.add(&Event {
            wall_time,
            step: 0,
            file_version: None,
            summary: Some(Summary { values: vec![value] }),
        });
    }

    /// The file.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Length, its checksum, data, their checksum; all little-endian.
    fn add(&mut self, event: &Event) {
        let data = event.encode_to_vec();
        let length = (data.len() as u64).to_le_bytes();
        self.0.extend(length);
        self.0.extend(masked(&length).to_le_bytes());
        self.0.extend(&data);
        self.0.extend(masked(&data).to_le_bytes());
    }
}

/// CRC-32C, turned and moved so that data with checksums in them have good ones too.
fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    values: Vec<SummaryValue>,
}

#[derive(Clone, PartialEq, Message)]
struct SummaryValue {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
    #[prost(message, optional, tag = "8")]
    tensor: Option<Tensor>,
    #[prost(message, optional, tag = "9")]
    metadata: Option<Metadata>,
}

#[derive(Clone, PartialEq, Message)]
struct Tensor {
    #[prost(int32, tag = "1")]
    dtype: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<Shape>,
}

#[derive(Clone, PartialEq, Message)]
struct Shape {
    #[prost(message, repeated, tag = "2")]
    dims: Vec<Dimension>,
}

#[derive(Clone, PartialEq, Message)]
struct Dimension {
    #[prost(int64, tag = "1")]
    size: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Metadata {
    #[prost(message, optional, tag = "1")]
    plugin: Option<PluginData>,
}

#[derive(Clone, PartialEq, Message)]
struct PluginData {
    #[prost(string, tag = "1")]
    plugin_name: String,
    #[prost(bytes = "vec", tag = "2")]
    content: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct PluginContent {
    #[prost(int32, tag = "1")]
    version: i32,
    #[prost(oneof = "Session", tags = "3, 4")]
    session: Option<Session>,
}

/// What the HParams plugin is told of a run.
#[derive(Clone, PartialEq, Oneof)]
pub enum Session {
    /// Its beginning.
    #[prost(message, tag = "3")]
    Start(SessionStart),
    /// Its end.
    #[prost(message, tag = "4")]
    End(SessionEnd),
}

/// The beginning of a run.
#[derive(Clone, PartialEq, Message)]
pub struct SessionStart {
    /// Hyperparameters, by name.
    #[prost(btree_map = "string, message", tag = "1")]
    pub hparams: BTreeMap<String, HParam>,
    /// Runs of one name are one row of the table.
    #[prost(string, tag = "4")]
    pub group_name: String,
    /// In seconds since 1970.
    #[prost(double, tag = "5")]
    pub start_time_secs: f64,
}

/// The end of a run.
#[derive(Clone, PartialEq, Message)]
pub struct SessionEnd {
    /// How.
    #[prost(enumeration = "SessionStatus", tag = "1")]
    pub status: i32,
    /// In seconds since 1970.
    #[prost(double, tag = "2")]
    pub end_time_secs: f64,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enumeration)]
pub enum SessionStatus {
    /// Not known.
    Unknown = 0,
    /// With its result.
    Success = 1,
    /// Without.
    Failure = 2,
}

/// The value of a hyperparameter: a `google.protobuf.Value`.
#[derive(Clone, PartialEq, Message)]
pub struct HParam {
    /// A number or a word.
    #[prost(oneof = "HParamKind", tags = "2, 3")]
    pub kind: Option<HParamKind>,
}

/// A number or a word.
#[derive(Clone, PartialEq, Oneof)]
pub enum HParamKind {
    /// A number.
    #[prost(double, tag = "2")]
    Number(f64),
    /// A word.
    #[prost(string, tag = "3")]
    Text(String),
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The examples of RFC 3720, appendix B.4.
    #[test]
    fn checksums_are_those_of_the_rfc() {
        let ascending: Vec<u8> = (0..32).collect();
        let descending: Vec<u8> = (0..32).rev().collect();
        for (bytes, expected) in [
            (&[0; 32][..], 0x8a91_36aa),
            (&[0xff; 32], 0x62a8_ab43),
            (&ascending, 0x46dd_794e),
            (&descending, 0x113f_db5c),
        ] {
            assert_eq!(crc32c::crc32c(bytes), expected);
        }
    }

    /// Written by TensorBoard 2.21: `RecordWriter(file).write(Event(…).SerializeToString())` of the same three events.
    #[test]
    fn files_are_those_that_tensorboard_writes() {
        let mut events = Events::begun(1.5);
        events.scalar(2.5, 3, "loss", 0.1);
        events.hparams(
            4.5,
            Session::End(SessionEnd { status: SessionStatus::Success.into(), end_time_secs: 5.5 }),
        );
        let written = "1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c1a00000000000000129bd82d\
            09000000000000044010032a0d0a0b0a046c6f737315cdcccc3d92d82c3a4d000000000000003d63d4a60900000000000012402a420a400a\
            1a5f68706172616d735f2f73657373696f6e5f656e645f696e666f42060801120212004a1a0a180a0768706172616d73120d220b08011100\
            00000000001640c836aed0";
        assert_eq!(hex(&events.into_bytes()), written);
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
