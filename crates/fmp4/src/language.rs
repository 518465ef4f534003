//! The language of a track: three letters of ISO 639-2/T in `mdhd` (ISO/IEC 14496-12 §8.4.2), a whole tag in `elng`
//! (§8.4.6). Tags use the two letters of ISO 639-1 where a language has them (RFC 5646 §2.2.1).

use alloc::string::String;

/// Two letters, then the three letters of the same language.
const PAIRS: &str = "\
    aaaar ababk aeave afafr akaka amamh anarg arara asasm avava ayaym azaze babak bebel bgbul bhbih bibis bmbam \
    bnben bobod brbre bsbos cacat ceche chcha cocos crcre csces cuchu cvchv cycym dadan dedeu dvdiv dzdzo eeewe \
    elell eneng eoepo esspa etest eueus fafas ffful fifin fjfij fofao frfra fyfry gagle gdgla glglg gngrn guguj \
    gvglv hahau heheb hihin hohmo hrhrv hthat huhun hyhye hzher iaina idind ieile igibo iiiii ikipk ioido isisl \
    itita iuiku jajpn jvjav kakat kgkon kikik kjkua kkkaz klkal kmkhm knkan kokor krkau kskas kukur kvkom kwcor \
    kykir lalat lbltz lglug lilim lnlin lolao ltlit lulub lvlav mgmlg mhmah mimri mkmkd mlmal mnmon mrmar msmsa \
    mtmlt mymya nanau nbnob ndnde nenep ngndo nlnld nnnno nonor nrnbl nvnav nynya ococi ojoji omorm orori ososs \
    papan pipli plpol pspus ptpor quque rmroh rnrun roron rurus rwkin sasan scsrd sdsnd sesme sgsag sisin skslk \
    slslv smsmo snsna sosom sqsqi srsrp ssssw stsot susun svswe swswa tatam tetel tgtgk ththa titir tktuk tltgl \
    tntsn toton trtur tstso tttat twtwi tytah uguig ukukr ururd uzuzb veven vivie vovol wawln wowol xhxho yiyid \
    yoyor zazha zhzho zuzul";

/// The three letters of a tag's language in 15 bits. `und` if it has none.
pub(crate) fn pack(tag: &str) -> u16 {
    let primary = tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let letters = match primary.len() {
        2 => pairs().find(|(two, _)| *two == primary).map_or("und", |(_, three)| three),
        3 if primary.bytes().all(|it| it.is_ascii_alphabetic()) => &primary,
        _ => "und",
    };
    letters.bytes().fold(0, |packed, letter| packed << 5 | u16::from(letter & 0x1F))
}

/// The tag of a packed language. `None` for `und` and for what is no language.
pub(crate) fn unpack(packed: u16) -> Option<String> {
    let letter = |shift: u16| char::from(u8::try_from(packed >> shift & 0x1F).unwrap_or(0) + 0x60);
    let three = String::from_iter([letter(10), letter(5), letter(0)]);
    if three == "und" || !three.bytes().all(|it| it.is_ascii_lowercase()) {
        return None;
    }
    let two = pairs().find(|(_, it)| *it == three).map(|(two, _)| two.into());
    Some(two.unwrap_or(three))
}

/// Whether three letters say less than the tag does.
pub(crate) fn needs_tag(tag: &str) -> bool {
    unpack(pack(tag)).as_deref() != Some(tag)
}

fn pairs() -> impl Iterator<Item = (&'static str, &'static str)> {
    PAIRS.split(' ').filter_map(|pair| pair.split_at_checked(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_letters() {
        // ISO/IEC 14496-12 §8.4.2.3: each letter less 0x60.
        for (tag, packed, back) in [
            ("und", 0x55C4, None),
            ("", 0x55C4, None),
            ("x-klingon", 0x55C4, None),
            ("en", 0x15C7, Some("en")),
            ("eng", 0x15C7, Some("en")),
            ("EN-us", 0x15C7, Some("en")),
            ("de", 0x10B5, Some("de")),
            ("zu", 0x6AAC, Some("zu")),
            ("gsw", 0x1E77, Some("gsw")),
        ] {
            assert_eq!(pack(tag), packed, "{tag}");
            assert_eq!(unpack(packed).as_deref(), back, "{tag}");
        }
        assert_eq!(unpack(0), None); // QuickTime: English of the Macintosh
        assert_eq!(unpack(0x7FFF), None);
    }

    #[test]
    fn a_tag_of_its_own_is_needed_for_more_than_a_language() {
        assert_eq!(["en", "gsw"].map(needs_tag), [false; 2]);
        assert_eq!(["en-US", "eng", "EN", "x-klingon"].map(needs_tag), [true; 4]);
    }

    #[test]
    fn every_pair_is_two_and_three_letters() {
        assert_eq!(pairs().count(), 184);
        assert!(pairs().all(|(two, three)| two.len() == 2 && three.len() == 3));
    }
}
