#![cfg_attr(fuzzing, no_main)]
levada_fuzz::target!(levada_fuzz::control_plane);
