//! Where connections that people type may lead: not to Slipway's own machine, its link, or the metadata service of a
//! cloud, which give credentials to whoever asks from the right place.
//!
//! The rule is about addresses, not names: adapters ask it of every address that a name resolves to, at the moment they
//! connect, so that a name cannot lead elsewhere between a check and its use. What the operator's configuration names is
//! not asked about.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Metadata services outside of the link-local networks: AWS over IPv6, Alibaba Cloud, Oracle Cloud.
const METADATA: [IpAddr; 3] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
];

/// A network: an address and how many of its first bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    address: IpAddr,
    bits: u8,
}

impl Net {
    /// Reads `127.0.0.0/8`, `::1/128`, or a single address. `None`: it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.parse().ok()?,
            None => most,
        };
        (bits <= most).then_some(Self { address, bits })
    }

    fn has(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(net), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                u32::from(net) & mask == u32::from(address) & mask
            }
            (IpAddr::V6(net), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                u128::from(net) & mask == u128::from(address) & mask
            }
            _ => false,
        }
    }
}

/// Where connections that people type may lead, beside everywhere that is in bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outgoing {
    allowed: Vec<Net>,
    in_cluster: bool,
}

/// An address that is out of bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} is Slipway's own machine, its link or a metadata service; if it is meant, the operator adds it to outgoing.allow"
)]
pub struct OutOfBounds(pub IpAddr);

impl Outgoing {
    /// Everywhere in bounds, and `allowed`.
    pub const fn allowing(allowed: Vec<Net>) -> Self {
        Self {
            allowed,
            in_cluster: false,
        }
    }

    /// The same, and whether people may have the service account of the pod that Slipway runs in used for a cluster.
    #[must_use]
    pub fn lending_itself(self, in_cluster: bool) -> Self {
        Self { in_cluster, ..self }
    }

    /// Whether people may have Slipway's own service account used: whoever manages an organization could do by it what
    /// Slipway may do, also in other organizations' namespaces.
    pub const fn in_cluster(&self) -> bool {
        self.in_cluster
    }

    /// As [`allowing`](Self::allowing), this machine: for the demo and tests.
    pub fn with_loopback() -> Self {
        Self::allowing(
            ["127.0.0.0/8", "::1"]
                .into_iter()
                .filter_map(Net::parse)
                .collect(),
        )
    }

    /// Lets an address pass.
    ///
    /// # Errors
    /// It is out of bounds.
    pub fn pass(&self, address: IpAddr) -> Result<(), OutOfBounds> {
        let address = plain(address);
        if inside(address) && !self.allowed.iter().any(|net| net.has(address)) {
            return Err(OutOfBounds(address));
        }
        Ok(())
    }

    /// The addresses of those a name has that may be used: none of them, as soon as one is out of bounds.
    ///
    /// # Errors
    /// One of them is out of bounds.
    pub fn pass_all<T>(&self, found: Vec<T>, address: impl Fn(&T) -> IpAddr) -> Result<Vec<T>, OutOfBounds> {
        for one in &found {
            self.pass(address(one))?;
        }
        Ok(found)
    }
}

/// An IPv4 address that is written as an IPv6 one is what it stands for.
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let segments = v6.segments();
    // RFC 6052: 64:ff9b::/96 leads to the IPv4 address in its last 32 bits.
    if segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        let [.., a, b] = segments;
        return IpAddr::V4(Ipv4Addr::from(u32::from(a) << 16 | u32::from(b)));
    }
    // ::a.b.c.d, which is obsolete and still understood; ::1 and :: are no such addresses.
    if segments[..6] == [0; 6] && segments[6] != 0 {
        return IpAddr::V4(Ipv4Addr::from(
            u32::from(segments[6]) << 16 | u32::from(segments[7]),
        ));
    }
    v6.to_canonical()
}

fn inside(address: IpAddr) -> bool {
    if METADATA.contains(&address) {
        return true;
    }
    match address {
        IpAddr::V4(v4) => {
            let this_network = v4.octets()[0] == 0;
            v4.is_loopback() || v4.is_link_local() || this_network || v4.is_broadcast() || v4.is_multicast()
        }
        IpAddr::V6(v6) => {
            v6.is_loopback() || v6.is_unspecified() || v6.is_unicast_link_local() || v6.is_multicast()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(outgoing: &Outgoing, address: &str) -> bool {
        outgoing.pass(address.parse().unwrap()).is_ok()
    }

    #[test]
    fn this_machine_its_link_and_metadata_services_are_out_of_bounds_however_they_are_written() {
        let outgoing = Outgoing::default();
        for address in [
            "127.0.0.1",
            "127.8.9.1",
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "169.254.0.1",
            "255.255.255.255",
            "224.0.0.1",
            "100.100.100.200",
            "192.0.0.192",
            "::1",
            "::",
            "fe80::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "::169.254.169.254",
        ] {
            assert!(!passes(&outgoing, address), "{address}");
        }
    }

    #[test]
    fn a_company_s_own_networks_and_the_internet_are_in_bounds() {
        let outgoing = Outgoing::default();
        for address in [
            "10.0.0.1",
            "172.16.5.4",
            "192.168.1.1",
            "100.64.0.1",
            "140.82.112.3",
            "fd12:3456::1",
            "2606:4700::1111",
            "::ffff:10.0.0.1",
        ] {
            assert!(passes(&outgoing, address), "{address}");
        }
    }

    #[test]
    fn what_the_operator_allows_is_in_bounds_and_nothing_beside_it() {
        let outgoing = Outgoing::allowing(vec![
            Net::parse("127.0.0.0/30").unwrap(),
            Net::parse("fe80::7").unwrap(),
        ]);
        assert!(
            passes(&outgoing, "127.0.0.3")
                && passes(&outgoing, "::ffff:127.0.0.3")
                && passes(&outgoing, "fe80::7")
        );
        assert!(
            !passes(&outgoing, "127.0.0.4") && !passes(&outgoing, "fe80::8") && !passes(&outgoing, "::1")
        );
        assert!(
            passes(&Outgoing::with_loopback(), "::1")
                && !passes(&Outgoing::with_loopback(), "169.254.169.254")
        );
        let everywhere = Outgoing::allowing(vec![Net::parse("0.0.0.0/0").unwrap()]);
        assert!(passes(&everywhere, "169.254.169.254") && !passes(&everywhere, "fe80::1"));
    }

    #[test]
    fn a_name_with_one_address_out_of_bounds_is_not_used_at_all() {
        let found: Vec<IpAddr> = ["10.0.0.1", "127.0.0.1"].map(|a| a.parse().unwrap()).to_vec();
        let refused = Outgoing::default().pass_all(found.clone(), |a| *a).unwrap_err();
        assert_eq!(refused, OutOfBounds(found[1]));
        assert_eq!(
            Outgoing::with_loopback().pass_all(found.clone(), |a| *a),
            Ok(found)
        );
    }

    #[test]
    fn what_is_no_network_is_none() {
        for wrong in ["", "localhost", "10.0.0.0/33", "::/129", "10.0.0.0/x", "10.0.0/8"] {
            assert_eq!(Net::parse(wrong), None, "{wrong}");
        }
    }
}
