//! Event files of TensorBoard: records in the TFRecord format, one `Event` message each.

use prost::Message;

use super::messages::{
    EventMessage, PluginContent, PluginData, Session, Summary, SummaryMetadata, SummaryValue,
    Tensor, TensorDimension, TensorShape,
};

/// Format version in the first event of every file.
const VERSION: &str = "brain.Event:2";
/// TensorFlow's number of the type of 32-bit floats.
const FLOAT: i32 = 1;

/// The bytes of an event file.
#[derive(Debug, Default)]
pub struct EventFile(Vec<u8>);

impl EventFile {
    /// A file that starts at `wall_time`, in seconds since 1970.
    pub fn new(wall_time: f64) -> Self {
        let mut file = Self::default();
        file.add(&EventMessage {
            wall_time,
            file_version: Some(VERSION.to_owned()),
            ..EventMessage::default()
        });
        file
    }

    /// Adds a value of the metric `tag`.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "TensorBoard itself stores numbers in single precision"
    )]
    pub fn add_scalar(&mut self, wall_time: f64, step: u32, tag: &str, value: f64) {
        let value = SummaryValue {
            tag: tag.to_owned(),
            simple_value: Some(value as f32),
            ..SummaryValue::default()
        };
        self.add_value(wall_time, step, value);
    }

    /// Adds the start of a run, with its hyperparameters, or its end.
    pub fn add_session(&mut self, wall_time: f64, session: Session) {
        let tag = match session {
            Session::Start(_) => "_hparams_/session_start_info",
            Session::End(_) => "_hparams_/session_end_info",
        };
        let content = PluginContent { version: 0, session: Some(session) }.encode_to_vec();
        let plugin = PluginData { plugin_name: "hparams".to_owned(), content };
        // The metadata hold the content, but the plugin also expects a value: an empty vector.
        let shape = TensorShape { dims: vec![TensorDimension { size: 0 }] };
        let value = SummaryValue {
            tag: tag.to_owned(),
            simple_value: None,
            tensor: Some(Tensor { dtype: FLOAT, shape: Some(shape) }),
            metadata: Some(SummaryMetadata { plugin: Some(plugin) }),
        };
        self.add_value(wall_time, 0, value);
    }

    /// The content of the file.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn add_value(&mut self, wall_time: f64, step: u32, value: SummaryValue) {
        let summary = Some(Summary { values: vec![value] });
        self.add(&EventMessage { wall_time, step: step.into(), file_version: None, summary });
    }

    /// Adds a record: length of the data, its checksum, the data, its checksum. Numbers are
    /// little-endian.
    fn add(&mut self, event: &EventMessage) {
        let data = event.encode_to_vec();
        let length = (data.len() as u64).to_le_bytes();
        self.0.extend(length);
        self.0.extend(masked_crc(&length).to_le_bytes());
        self.0.extend(&data);
        self.0.extend(masked_crc(&data).to_le_bytes());
    }
}

/// The masked CRC-32C of TFRecord. Without the mask, the CRC of data that contain their own CRC
/// would be weak.
fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::export::tools::tensorboard::messages::{SessionEnd, SessionStatus};

    /// The examples of RFC 3720, appendix B.4.
    #[test]
    fn checksums_equal_the_examples_of_the_rfc() {
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

    /// TensorBoard 2.21 wrote the expected bytes from the same three events, by
    /// `RecordWriter(file).write(Event(…).SerializeToString())`.
    #[test]
    fn bytes_equal_those_of_tensorboard() {
        let mut file = EventFile::new(1.5);
        file.add_scalar(2.5, 3, "loss", 0.1);
        let end = SessionEnd { status: SessionStatus::Success.into(), end_time_secs: 5.5 };
        file.add_session(4.5, Session::End(end));
        let expected = "1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c1a00000000000000129bd82d\
            09000000000000044010032a0d0a0b0a046c6f737315cdcccc3d92d82c3a4d000000000000003d63d4a60900000000000012402a420a400a\
            1a5f68706172616d735f2f73657373696f6e5f656e645f696e666f42060801120212004a1a0a180a0768706172616d73120d220b08011100\
            00000000001640c836aed0";
        assert_eq!(hex(&file.into_bytes()), expected);
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
