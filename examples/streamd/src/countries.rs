//! Which country an address is in: what a file says that whoever runs the server has. A line is a network and a country,
//! as `192.0.2.0/24,PT`.

use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context, bail};
use levada_control::Network;

/// Sorted, and no two of them overlap.
#[derive(Debug, Default)]
pub struct Countries(Vec<Row>);

/// Addresses of one country, as those of IPv6; one of IPv4 is what it is in v6 clothes.
#[derive(Clone, Copy, Debug)]
struct Row {
    first: u128,
    last: u128,
    country: [u8; 2],
}

impl Countries {
    /// Reads the file. Without one nothing is known of any address.
    pub fn load(file: Option<&Path>) -> anyhow::Result<Self> {
        let Some(file) = file else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}: is the path right?", file.display()))?;
        Self::parse(&text).with_context(|| format!("in {}", file.display()))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let lines = text.lines().map(str::trim).zip(1..);
        let lines = lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
        let rows = lines.map(|(line, number): (&str, usize)| {
            let row = Row::parse(line).with_context(|| format!("line {number}"))?;
            Ok((row, number))
        });
        let mut rows = rows.collect::<anyhow::Result<Vec<_>>>()?;
        rows.sort_unstable_by_key(|it| it.0.first);
        for pair in rows.windows(2) {
            if let [(one, a), (other, b)] = pair
                && one.last >= other.first
            {
                bail!("line {}: overlaps line {}: leave out one of them", a.max(b), a.min(b));
            }
        }
        Ok(Self(rows.into_iter().map(|it| it.0).collect()))
    }

    /// The country of an address, as two capital letters.
    pub fn of(&self, address: IpAddr) -> Option<&str> {
        let address = bits(address);
        let after = self.0.partition_point(|it| it.first <= address);
        let row = self.0.get(after.checked_sub(1)?).filter(|it| address <= it.last)?;
        str::from_utf8(&row.country).ok()
    }
}

impl Row {
    fn parse(line: &str) -> anyhow::Result<Self> {
        let (network, country) = line
            .split_once(',')
            .context("a network and a country are needed, as 192.0.2.0/24,PT")?;
        let plain = |it: &str| it.trim().trim_matches('"').to_ascii_uppercase();
        let (network, country) = (plain(network), plain(country));
        let (first, last) = Network::parse(&network)
            .context("a network is needed first, as 192.0.2.0/24 or 2001:db8::/32")?
            .bounds();
        let is_country = |it: &[u8; 2]| it.iter().all(u8::is_ascii_uppercase);
        let country = country.as_bytes().try_into().ok().filter(is_country);
        let country = country.context("a country is needed behind the comma, as PT")?;
        Ok(Self { first: bits(first), last: bits(last), country })
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(it) => it.to_ipv6_mapped().to_bits(),
        IpAddr::V6(it) => it.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(countries: &Countries, address: &str) -> Option<String> {
        countries.of(address.parse().unwrap()).map(str::to_owned)
    }

    #[test]
    fn c25_the_country_of_an_address_is_that_of_the_line_whose_network_has_it() {
        let text = "# mine\n\n 198.51.100.0/24,DE\r\n\"192.0.2.128/25\",\"pt\"\n192.0.2.0/25 , ES\n2001:db8::/32,FR\n203.0.113.7,IT\n::ffff:203.0.113.8/127,CH\n";
        let countries = Countries::parse(text).unwrap();
        for (address, country) in [
            ("192.0.1.255", None),
            ("192.0.2.0", Some("ES")),
            ("192.0.2.127", Some("ES")),
            ("192.0.2.128", Some("PT")),
            ("192.0.2.255", Some("PT")),
            ("192.0.3.0", None),
            ("198.51.100.200", Some("DE")),
            ("203.0.113.6", None),
            ("203.0.113.7", Some("IT")),
            ("203.0.113.9", Some("CH")),
            ("::ffff:192.0.2.1", Some("ES")),
            ("2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", None),
            ("2001:db8::", Some("FR")),
            ("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", Some("FR")),
            ("2001:db9::", None),
            ("::1", None),
            ("255.255.255.255", None),
        ] {
            assert_eq!(of(&countries, address).as_deref(), country, "{address}");
        }
        let all = Countries::parse("0.0.0.0/0,PT\n").unwrap();
        assert_eq!(of(&all, "255.255.255.255").as_deref(), Some("PT"));
        assert_eq!(of(&all, "2001:db8::1"), None, "another kind of address");
        assert_eq!(of(&Countries::default(), "192.0.2.1"), None);
    }

    #[test]
    fn c25_a_line_that_is_wrong_is_told_by_its_number() {
        for (text, wrong) in [
            ("192.0.2.0/24", "line 1: a network and a country are needed"),
            ("network,country", "line 1: a network is needed first"),
            ("# mine\n\n192.0.2.0/33,PT", "line 3: a network is needed first"),
            ("192.0.2.0/24,PRT", "line 1: a country is needed"),
            ("192.0.2.0/24,", "line 1: a country is needed"),
            ("192.0.2.0/24,P1", "line 1: a country is needed"),
            ("192.0.2.0/24,PT\n2001:db8::/129,PT", "line 2: a network is needed first"),
            ("192.0.2.0/24,PT\n10.0.0.0/8,ES\n192.0.2.9,FR", "line 3: overlaps line 1"),
            ("2001:db8:1::/48,PT\n2001:db8::/32,FR", "line 2: overlaps line 1"),
            ("10.0.0.0/8,PT\n10.0.0.0/8,PT", "line 2: overlaps line 1"),
        ] {
            let why = format!("{:#}", Countries::parse(text).unwrap_err());
            assert!(why.starts_with(wrong), "{text}: {why}");
        }
        let why = Countries::load(Some(Path::new("/nowhere/countries.csv"))).unwrap_err();
        assert!(format!("{why:#}").starts_with("cannot read /nowhere/countries.csv"), "{why:#}");
    }
}
