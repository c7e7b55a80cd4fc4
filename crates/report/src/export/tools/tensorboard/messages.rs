//! Messages of TensorFlow's `event.proto`, `summary.proto` and `tensor.proto`, and of TensorBoard's
//! `plugin_data.proto` and HParams plugin: the fields that event files here use.

use std::collections::BTreeMap;

use prost::{Enumeration, Message, Oneof};

#[derive(Clone, PartialEq, Message)]
pub struct EventMessage {
    #[prost(double, tag = "1")]
    pub wall_time: f64,
    #[prost(int64, tag = "2")]
    pub step: i64,
    #[prost(string, optional, tag = "3")]
    pub file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    pub summary: Option<Summary>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Summary {
    #[prost(message, repeated, tag = "1")]
    pub values: Vec<SummaryValue>,
}

#[derive(Clone, PartialEq, Message)]
pub struct SummaryValue {
    #[prost(string, tag = "1")]
    pub tag: String,
    #[prost(float, optional, tag = "2")]
    pub simple_value: Option<f32>,
    #[prost(message, optional, tag = "8")]
    pub tensor: Option<Tensor>,
    #[prost(message, optional, tag = "9")]
    pub metadata: Option<SummaryMetadata>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Tensor {
    #[prost(int32, tag = "1")]
    pub dtype: i32,
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShape>,
}

#[derive(Clone, PartialEq, Message)]
pub struct TensorShape {
    #[prost(message, repeated, tag = "2")]
    pub dims: Vec<TensorDimension>,
}

#[derive(Clone, PartialEq, Message)]
pub struct TensorDimension {
    #[prost(int64, tag = "1")]
    pub size: i64,
}

#[derive(Clone, PartialEq, Message)]
pub struct SummaryMetadata {
    #[prost(message, optional, tag = "1")]
    pub plugin: Option<PluginData>,
}

#[derive(Clone, PartialEq, Message)]
pub struct PluginData {
    #[prost(string, tag = "1")]
    pub plugin_name: String,
    #[prost(bytes = "vec", tag = "2")]
    pub content: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub struct PluginContent {
    #[prost(int32, tag = "1")]
    pub version: i32,
    #[prost(oneof = "Session", tags = "3, 4")]
    pub session: Option<Session>,
}

/// The start or end of a run, for the HParams plugin.
#[derive(Clone, PartialEq, Oneof)]
pub enum Session {
    /// The run starts.
    #[prost(message, tag = "3")]
    Start(SessionStart),
    /// The run ends.
    #[prost(message, tag = "4")]
    End(SessionEnd),
}

/// The start of a run.
#[derive(Clone, PartialEq, Message)]
pub struct SessionStart {
    /// Hyperparameters by name.
    #[prost(btree_map = "string, message", tag = "1")]
    pub hparams: BTreeMap<String, HParam>,
    /// Runs with the same group name share one row of the table.
    #[prost(string, tag = "4")]
    pub group_name: String,
    /// Start of the run, in seconds since 1970.
    #[prost(double, tag = "5")]
    pub start_time_secs: f64,
}

/// The end of a run.
#[derive(Clone, PartialEq, Message)]
pub struct SessionEnd {
    /// A [`SessionStatus`].
    #[prost(enumeration = "SessionStatus", tag = "1")]
    pub status: i32,
    /// End of the run, in seconds since 1970.
    #[prost(double, tag = "2")]
    pub end_time_secs: f64,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enumeration)]
pub enum SessionStatus {
    /// The status is not known.
    Unknown = 0,
    /// The run has a result.
    Success = 1,
    /// The run has no result.
    Failure = 2,
}

/// The value of a hyperparameter, a `google.protobuf.Value`.
#[derive(Clone, PartialEq, Message)]
pub struct HParam {
    /// A number or a text.
    #[prost(oneof = "HParamKind", tags = "2, 3")]
    pub kind: Option<HParamKind>,
}

/// A number or a text.
#[derive(Clone, PartialEq, Oneof)]
pub enum HParamKind {
    /// A number.
    #[prost(double, tag = "2")]
    Number(f64),
    /// A text.
    #[prost(string, tag = "3")]
    Text(String),
}
