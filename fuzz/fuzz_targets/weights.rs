//! A safetensors file gives the weights of a softmax regression that round-trip, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use model::Weights;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(weights) = Weights::from_safetensors(bytes) {
        assert_eq!(weights.weight.len(), weights.classes * weights.features);
        assert_eq!(weights.bias.len(), weights.classes);
        let written = weights.to_safetensors().unwrap();
        let again = Weights::from_safetensors(&written).unwrap();
        assert_eq!((again.classes, again.features), (weights.classes, weights.features));
    }
});
