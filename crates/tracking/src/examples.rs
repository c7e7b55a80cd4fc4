#![allow(missing_docs)]
#[derive(Debug, Clone, PartialEq)]
pub struct Examples {
    pub classes: u32,
    pub rows: u32,
    pub columns: u32,
    pub confusion: Vec<ConfusionCell>,
    pub left_out: u64,
    pub mistakes: Vec<Mistake>,
}
#[derive(Debug, Clone, PartialEq)]
pub struct ConfusionCell {
    pub label: u32,
    pub predicted: u32,
    pub count: u64,
}
#[derive(Debug, Clone, PartialEq)]
pub struct Mistake {
    pub index: u64,
    pub label: u32,
    pub predicted: u32,
    pub probability: f64,
    pub picture: Vec<u8>,
}
impl crate::Reader {
    pub fn examples(&self, _: &crate::RecordedRun) -> Result<Option<Examples>, crate::StoreError> {
        Ok(None)
    }
}
