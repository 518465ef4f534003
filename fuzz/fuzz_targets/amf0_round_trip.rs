#![cfg_attr(fuzzing, no_main)]
levada_fuzz::target!(levada_fuzz::amf0_round_trip);
