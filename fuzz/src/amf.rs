use bytes::{Bytes, BytesMut};
use levada_amf::amf0::{Decoder, TypedObject};
use levada_amf::{AmfError, AmfLimits, AmfString, Object, Value, amf0, amf3};

/// Whatever bytes arrive: what is accepted can be written, and is then the canonical form of itself. A lenient
/// reader sees what a strict one sees.
pub fn amf0_decode(bytes: &[u8]) {
    let body = Bytes::copy_from_slice(bytes);
    let (values, why) = read(Decoder::new(body.clone(), AmfLimits::default()));
    let written = encode(&values);
    let (again, none) = read(Decoder::new(written.clone(), AmfLimits::default()));
    assert_eq!((encode(&again), none), (written, None));

    let (lenient, lenient_why) = read(Decoder::lenient(body.clone(), AmfLimits::default()));
    assert_eq!(encode(&values), encode(&lenient[..values.len()]));
    if why.is_none() {
        assert_eq!((values.len(), lenient_why), (lenient.len(), None));
    }
    if let Ok(decoder) = Decoder::with_selector(body, AmfLimits::default()) {
        let _ = encode(&read(decoder).0);
    }
    for value in values {
        let mut copy = value.clone();
        copy.detach();
        assert_eq!(format!("{copy:?}"), format!("{value:?}"));
        let _ = (value.to_u32(), value.to_bool(), value.to_strings().count());
        let _ = encode_one(&value.into_amf0());
    }
}

/// Whatever values are built: they come back as they were.
pub fn amf0_round_trip(script: &[u8]) {
    let mut script = Script(script);
    // Everything stands in one array, which is what its references mean.
    let value = Value::from(script.list(|it| it.amf0(1)));
    let written = encode(&[value]);
    let limits = AmfLimits { values: usize::MAX, ..AmfLimits::default() };
    let (again, why) = read(Decoder::new(written.clone(), limits));
    assert_eq!(why, None);
    assert_eq!(encode(&again), written);
}

/// As [`amf0_decode`].
pub fn amf3_decode(bytes: &[u8]) {
    let body = Bytes::copy_from_slice(bytes);
    let (values, _) = read3(amf3::Decoder::new(body, AmfLimits::default()));
    let written = encode3(&values);
    let (again, why) = read3(amf3::Decoder::new(written.clone(), AmfLimits::default()));
    assert_eq!((encode3(&again), why), (written, None));
    for value in values {
        let mut copy = value.clone();
        copy.detach();
        assert_eq!(format!("{copy:?}"), format!("{value:?}"));
        let _ = encode_one(&value.into_amf0());
    }
}

/// As [`amf0_round_trip`].
pub fn amf3_round_trip(script: &[u8]) {
    let mut script = Script(script);
    let value = amf3::Array::from_iter(script.list(|it| it.amf3(1)));
    let written = encode3(&[value.into()]);
    let limits = AmfLimits { values: usize::MAX, ..AmfLimits::default() };
    let (again, why) = read3(amf3::Decoder::new(written.clone(), limits));
    assert_eq!(why, None);
    assert_eq!(encode3(&again), written);
}

fn read(mut decoder: Decoder) -> (Vec<Value>, Option<AmfError>) {
    let mut values = Vec::new();
    let mut position = decoder.position();
    loop {
        match decoder.next_value() {
            Ok(Some(value)) => values.push(value),
            Ok(None) => return (values, None),
            Err(why) => {
                assert_eq!(decoder.next_value().unwrap_err(), why);
                return (values, Some(why));
            }
        }
        assert!(decoder.position() > position);
        position = decoder.position();
    }
}

fn read3(mut decoder: amf3::Decoder) -> (Vec<amf3::Value>, Option<AmfError>) {
    let mut values = Vec::new();
    loop {
        match decoder.next_value() {
            Ok(Some(value)) => values.push(value),
            Ok(None) => return (values, None),
            Err(why) => return (values, Some(why)),
        }
    }
}

fn encode(values: &[Value]) -> Bytes {
    let mut out = BytesMut::new();
    amf0::encode_all(values, &mut out).unwrap();
    out.freeze()
}

/// What stands alone may refer to what is not there.
fn encode_one(value: &Value) -> Result<(), AmfError> {
    amf0::encode(value, &mut BytesMut::new())
}

fn encode3(values: &[amf3::Value]) -> Bytes {
    let mut out = BytesMut::new();
    amf3::encode_all(values, &mut out).unwrap();
    out.freeze()
}

/// Bytes that say what to build. Behind their end there are zeros.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    const DEPTH: usize = 30;

    fn u8(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn u32(&mut self) -> u32 {
        u32::from_be_bytes([self.u8(), self.u8(), self.u8(), self.u8()])
    }

    fn f64(&mut self) -> f64 {
        f64::from_bits(u64::from(self.u32()) << 32 | u64::from(self.u32()))
    }

    fn bytes(&mut self) -> Bytes {
        let length = usize::from(self.u8()).min(self.0.len());
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        Bytes::copy_from_slice(bytes)
    }

    fn text(&mut self) -> AmfString {
        self.bytes().into()
    }

    /// A name that AMF3 can write.
    fn name(&mut self) -> AmfString {
        let name = self.text();
        if name.is_empty() { "a".into() } else { name }
    }

    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = self.u8() % 8;
        (0..count).map(|_| item(self)).collect()
    }

    fn object(&mut self, depth: usize) -> Object {
        self.list(|it| (it.text(), it.amf0(depth + 1))).into_iter().collect()
    }

    fn amf0(&mut self, depth: usize) -> Value {
        if depth >= Self::DEPTH {
            return Value::Null;
        }
        match self.u8() % 16 {
            0 => Value::Number(self.f64()),
            1 => Value::Boolean(self.u8() > 0x7F),
            2 => Value::String(self.text()),
            3 => Value::Object(self.object(depth)),
            4 => Value::Null,
            5 => Value::Undefined,
            6 => Value::Reference(0),
            7 => Value::EcmaArray { count: self.u32(), properties: self.object(depth) },
            8 => self.list(|it| it.amf0(depth + 1)).into(),
            9 => Value::Date { millis: self.f64(), zone: i16::from(self.u8()) - 128 },
            10 => Value::LongString(self.text()),
            11 => Value::Unsupported,
            12 => Value::Xml(self.text()),
            13 => {
                let class = self.text();
                TypedObject { class, properties: self.object(depth) }.into()
            }
            _ => self.amf3(depth).into(),
        }
    }

    fn amf3(&mut self, depth: usize) -> amf3::Value {
        use amf3::{Array, Dictionary, Externalizable, Object, Value, VectorObject};
        if depth >= Self::DEPTH {
            return Value::Null;
        }
        match self.u8() % 18 {
            0 => Value::Undefined,
            1 => Value::Null,
            2 => Value::Boolean(self.u8() > 0x7F),
            3 => Value::Integer(self.u32().cast_signed()),
            4 => Value::Double(self.f64()),
            5 => Value::String(self.text()),
            6 => Value::XmlDocument(self.text()),
            7 => Value::Date(self.f64()),
            8 => {
                let members = self.list(|it| (it.name(), it.amf3(depth + 1)));
                let array = members
                    .into_iter()
                    .fold(Array::new(), |it, (name, value)| it.with(name, value));
                self.list(|it| it.amf3(depth + 1)).into_iter().fold(array, Array::with_item).into()
            }
            9 => {
                let mut object = Object::of_class(self.text());
                for (name, value) in self.list(|it| (it.text(), it.amf3(depth + 1))) {
                    object = object.with_sealed(name, value);
                }
                for (name, value) in self.list(|it| (it.name(), it.amf3(depth + 1))) {
                    object = object.with(name, value);
                }
                object.into()
            }
            10 => Externalizable::array_collection(self.amf3(depth + 1)).into(),
            11 => Value::Xml(self.text()),
            12 => Value::ByteArray(self.bytes()),
            13 => Value::VectorInt { items: self.list(|it| it.u32().cast_signed()), fixed: true },
            14 => Value::VectorUint { items: self.list(Self::u32), fixed: false },
            15 => Value::VectorDouble { items: self.list(Self::f64), fixed: true },
            16 => {
                let vector = VectorObject::new(self.text(), self.u8() > 0x7F);
                let items = self.list(|it| it.amf3(depth + 1));
                items.into_iter().fold(vector, VectorObject::with_item).into()
            }
            _ => {
                let dictionary = Dictionary::new(self.u8() > 0x7F);
                let entries = self.list(|it| (it.amf3(depth + 1), it.amf3(depth + 1)));
                let fill = |it: Dictionary, (key, value)| it.with_entry(key, value);
                entries.into_iter().fold(dictionary, fill).into()
            }
        }
    }
}
