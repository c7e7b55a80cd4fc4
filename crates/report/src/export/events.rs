//! Event files as TensorBoard reads them: records of the TFRecord format, each an `Event`. The messages are the parts of
//! TensorFlow's `event.proto`, `summary.proto`, `tensor.proto` and of TensorBoard's `plugin_data.proto` that are written here.

use std::collections::BTreeMap;

use prost::{Enumeration, Message, Oneof};

/// Begins every file.
const VERSION: &str = "brain.Event:2";
/// Length-less vector of floats, for summaries that are nothing but metadata.
const EMPTY: Tensor = Tensor { dtype: 1, shape: Some(Shape { dims: Vec::new() }) };

/// The bytes of an event file, event by event.
#[derive(Debug, Default)]
pub struct Events(Vec<u8>);

impl Events {
    /// A file that begins at this time, in seconds since 1970.
    pub fn begun(wall_time: f64) -> Self {
        let mut events = Self::default();
        events.add(&Event { wall_time, file_version: Some(VERSION.to_owned()), ..Event::default() });
        events
    }

    /// A number.
    #[allow(clippy::cast_possible_truncation, reason = "TensorBoard's own loader keeps numbers in single precision")]
    pub fn scalar(&mut self, wall_time: f64, step: u32, tag: &str, value: f64) {
        let value = SummaryValue { tag: tag.to_owned(), simple_value: Some(value as f32), ..SummaryValue::default() };
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
        let value = SummaryValue { tag: tag.to_owned(), simple_value: None, tensor: Some(EMPTY), metadata };
        self.add(&Event { wall_time, step: 0, file_version: None, summary: Some(Summary { values: vec![value] }) });
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
