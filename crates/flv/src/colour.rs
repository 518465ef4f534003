use bytes::{Bytes, BytesMut};
use levada_amf::amf0::Decoder;
use levada_amf::{AmfError, AmfLimits, Object, Value, amf0};
use levada_media::{Colour, Hdr, VideoParams};

/// The one pair of a Metadata packet that is defined (E-RTMP §Metadata Frame).
const COLOR_INFO: &str = "colorInfo";

/// H.273: not said.
const UNSPECIFIED: u8 = 2;

/// What a `colorInfo` says. The default says nothing, which resets a track to what its configuration says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ColourInfo {
    primaries: Option<u8>,
    transfer: Option<u8>,
    matrix: Option<u8>,
    hdr: Hdr,
}

impl ColourInfo {
    /// Reads the pairs of a Metadata packet. `None` if no `colorInfo` is among them.
    pub(crate) fn parse(body: Bytes, limits: AmfLimits) -> Result<Option<Self>, AmfError> {
        let mut decoder = Decoder::lenient(body, limits);
        let mut info = None;
        while let Some(name) = decoder.next_value()? {
            let Some(value) = decoder.next_value()? else { break };
            if name.as_str() == Some(COLOR_INFO) {
                // Objects by the text, ECMA arrays and AMF3 from some. Undefined and {} reset.
                let value = value.into_amf0();
                info = Some(value.as_object().map(Self::from_object).unwrap_or_default());
            }
        }
        Ok(info)
    }

    /// What a Metadata packet has to say of a track whose configuration alone says `base`.
    pub(crate) fn difference(base: &VideoParams, wanted: &VideoParams) -> Self {
        let mut info = Self::default();
        if let Some(colour) = wanted.colour.filter(|_| wanted.colour != base.colour) {
            info.primaries = Some(colour.primaries);
            info.transfer = Some(colour.transfer);
            info.matrix = Some(colour.matrix);
        }
        if let Some(hdr) = wanted.hdr.filter(|_| wanted.hdr != base.hdr) {
            info.hdr = hdr;
        }
        info
    }

    /// Puts what it says over what a configuration says.
    pub(crate) fn apply(&self, video: &mut VideoParams) {
        if self.primaries.is_some() || self.transfer.is_some() || self.matrix.is_some() {
            let known = video.colour.unwrap_or(Colour {
                primaries: UNSPECIFIED,
                transfer: UNSPECIFIED,
                matrix: UNSPECIFIED,
                full_range: false,
            });
            video.colour = Some(Colour {
                primaries: self.primaries.unwrap_or(known.primaries),
                transfer: self.transfer.unwrap_or(known.transfer),
                matrix: self.matrix.unwrap_or(known.matrix),
                full_range: known.full_range,
            });
        }
        if self.hdr != Hdr::default() {
            let known = video.hdr.unwrap_or_default();
            video.hdr = Some(Hdr {
                mastering_primaries: self.hdr.mastering_primaries.or(known.mastering_primaries),
                mastering_luminance: self.hdr.mastering_luminance.or(known.mastering_luminance),
                content_light: self.hdr.content_light.or(known.content_light),
            });
        }
    }

    /// The pairs of a Metadata packet.
    pub(crate) fn encode(&self) -> Bytes {
        let value =
            if *self == Self::default() { Value::Undefined } else { self.to_object().into() };
        let mut body = BytesMut::new();
        let encoded = amf0::encode_all(&[COLOR_INFO.into(), value], &mut body);
        debug_assert!(encoded.is_ok(), "three levels of numbers");
        body.freeze()
    }

    fn from_object(info: &Object) -> Self {
        let mut read = Self::default();
        if let Some(config) = info.object("colorConfig") {
            let code = |name| config.get(name)?.to_u32().and_then(|it| u8::try_from(it).ok());
            read.primaries = code("colorPrimaries");
            read.transfer = code("transferCharacteristics");
            read.matrix = code("matrixCoefficients");
        }
        if let Some(light) = info.object("hdrCll") {
            let level = |name| scaled(light, name, 1.0).and_then(|it| u16::try_from(it).ok());
            read.hdr.content_light = level("maxCLL").zip(level("maxFall"));
        }
        if let Some(display) = info.object("hdrMdcv") {
            let point = |x, y| {
                let step =
                    |name| scaled(display, name, 50_000.0).and_then(|it| u16::try_from(it).ok());
                step(x).zip(step(y))
            };
            let points = (
                point("redX", "redY"),
                point("greenX", "greenY"),
                point("blueX", "blueY"),
                point("whitePointX", "whitePointY"),
            );
            if let (Some(red), Some(green), Some(blue), Some(white)) = points {
                read.hdr.mastering_primaries = Some([red, green, blue, white]);
            }
            let nits = |name| scaled(display, name, 10_000.0);
            read.hdr.mastering_luminance = nits("maxLuminance").zip(nits("minLuminance"));
        }
        read
    }

    fn to_object(self) -> Object {
        let mut info = Object::new();
        let mut config = Object::new();
        for (name, code) in [
            ("colorPrimaries", self.primaries),
            ("transferCharacteristics", self.transfer),
            ("matrixCoefficients", self.matrix),
        ] {
            if let Some(code) = code {
                config.push(name, u32::from(code));
            }
        }
        if !config.is_empty() {
            info.push("colorConfig", config);
        }
        if let Some((highest, average)) = self.hdr.content_light {
            let light = Object::new()
                .with("maxFall", u32::from(average))
                .with("maxCLL", u32::from(highest));
            info.push("hdrCll", light);
        }
        let mut display = Object::new();
        if let Some(points) = self.hdr.mastering_primaries {
            let names = [
                ("redX", "redY"),
                ("greenX", "greenY"),
                ("blueX", "blueY"),
                ("whitePointX", "whitePointY"),
            ];
            for ((x_name, y_name), (x, y)) in names.into_iter().zip(points) {
                display.push(x_name, f64::from(x) / 50_000.0);
                display.push(y_name, f64::from(y) / 50_000.0);
            }
        }
        if let Some((highest, lowest)) = self.hdr.mastering_luminance {
            display.push("maxLuminance", f64::from(highest) / 10_000.0);
            display.push("minLuminance", f64::from(lowest) / 10_000.0);
        }
        if !display.is_empty() {
            info.push("hdrMdcv", display);
        }
        info
    }
}

/// A number in steps of `1 / scale`, to the nearest. `None` if it is none that makes sense.
fn scaled(object: &Object, name: &str, scale: f64) -> Option<u32> {
    let steps = object.get(name)?.to_number()? * scale + 0.5;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is in the range, fractions are dropped"
    )]
    (0.0..f64::from(u32::MAX)).contains(&steps).then_some(steps as u32)
}
