//! Providers of sign-in that operators set up: what may be typed, what is shown of them, and what is made of what one
//! says of itself (`OpenID` Connect Discovery 1.0).

use crate::id::ProviderId;
use crate::name::Slug;
use crate::person;
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Keys that are addresses of Slipway's own: `/sign-in/{key}`.
pub const KEYS_TAKEN: [&str; 2] = ["gitlab", "code"];

/// What is asked for beside `openid`, where nothing else is typed.
pub const USUAL_SCOPES: &str = "profile email";

/// The longest issuer, client id, secret, and list of scopes or domains, in bytes.
const LONGEST: usize = 1000;

/// The algorithms that an ID token may be signed by.
const ALGORITHMS: [&str; 2] = ["RS256", "ES256"];

/// The ways in which Slipway tells a provider its client secret.
pub const SECRET_WAYS: [&str; 2] = ["client_secret_basic", "client_secret_post"];

/// A provider as operators see it: never its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// Which.
    pub id: ProviderId,
    /// The last part of its address here, and the first of the groups that it fills. It never changes.
    pub key: String,
    /// For people, on the button.
    pub name: String,
    /// The issuer, exactly as the provider calls itself: what its people's identities are linked under.
    pub issuer: String,
    /// What Slipway is registered as.
    pub client_id: String,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
    /// The claim that lists somebody's groups; `None`: it fills none.
    pub groups_claim: Option<String>,
    /// Only people with a verified address of one of these come in; none: everybody.
    pub allowed_domains: Vec<String>,
    /// Since when nobody signs in with it; `None`: it is on.
    pub off_since: Option<Timestamp>,
    /// How its last test went.
    pub report: Option<ProviderReport>,
    /// Grows with each change.
    pub version: i64,
}

/// What kind of provider the configuration has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfiguredKind {
    /// A GitLab, by its own API: `[sign_in.gitlab]`.
    Gitlab,
    /// By discovery: `[[oidc]]`.
    Oidc,
}

impl ConfiguredKind {
    /// The section of the configuration.
    pub const fn section(self) -> &'static str {
        match self {
            Self::Gitlab => "[sign_in.gitlab]",
            Self::Oidc => "[[oidc]]",
        }
    }
}

/// A provider of the configuration: it is changed there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configured {
    /// The last part of its address here.
    pub key: String,
    /// For people, on the button.
    pub name: String,
    /// What its people's identities are linked under.
    pub issuer: String,
    /// What it is.
    pub kind: ConfiguredKind,
}

/// Somewhere to sign in, as the page of signing in offers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// The last part of `/sign-in/{key}`.
    pub key: String,
    /// For people, on the button.
    pub name: String,
    /// What it calls itself: a URL.
    pub issuer: String,
    /// Whether it can be told to ask who somebody is once more.
    pub anew: bool,
}

/// The ways to sign in, as operators see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderList {
    /// Whether local accounts sign in by password: a matter of the configuration.
    pub local: bool,
    /// The configuration's.
    pub configured: Vec<Configured>,
    /// Those that operators set up, by key.
    pub providers: Vec<Provider>,
}

impl ProviderList {
    /// Whether the configuration has a provider of the same key, which goes before this one.
    pub fn is_hidden(&self, provider: &Provider) -> bool {
        self.configured.iter().any(|one| one.key == provider.key)
    }
}

/// The people who could not sign in any more without a provider: they have no password and no other identity that counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockedOut {
    /// How many.
    pub people: i64,
    /// Whether the reader is among them.
    pub reader: bool,
}

/// A provider, as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderPage {
    /// It.
    pub provider: Provider,
    /// What is to be registered with it.
    pub redirect_uri: String,
    /// Whether the configuration has a provider of the same key, which goes before this one.
    pub hidden: bool,
    /// Whom it is the only way in for.
    pub locked_out: LockedOut,
}

/// How a test of a provider went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderReport {
    /// When it was tested.
    pub at: Timestamp,
    /// What keeps people from signing in, and what to do; none: nothing.
    pub trouble: Vec<Text>,
    /// What is worth knowing beside it.
    pub notes: Vec<Text>,
}

/// What a provider says of itself, as far as it matters here. `None`: it does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovered {
    /// The flows that it has, as in `code`.
    pub flows: Option<Vec<String>>,
    /// The ways in which a code is tied to who asked for it (RFC 7636), as in `S256`.
    pub challenges: Option<Vec<String>>,
    /// Whether it has a userinfo endpoint.
    pub userinfo: bool,
    /// The ways in which it takes the client secret, as in `client_secret_basic`.
    pub secret_ways: Option<Vec<String>>,
    /// What ID tokens are signed by, as in `RS256`.
    pub algorithms: Option<Vec<String>>,
    /// The scopes it knows.
    pub scopes: Option<Vec<String>>,
    /// The claims it can tell.
    pub claims: Option<Vec<String>>,
    /// How many of its keys an ID token can be checked by.
    pub keys: usize,
}

/// The ways in which a provider that does not say takes the client secret (`OpenID` Connect Discovery 1.0, 3).
pub fn secret_ways(said: Option<&[String]>) -> Vec<&str> {
    said.map_or_else(
        || vec![SECRET_WAYS[0]],
        |ways| ways.iter().map(String::as_str).collect(),
    )
}

fn lacks(said: Option<&Vec<String>>, wanted: &[&str]) -> bool {
    said.is_some_and(|said| !said.iter().any(|one| wanted.contains(&one.as_str())))
}

/// What is made of it: what keeps people from signing in with `provider`, and what is worth knowing.
pub fn judged(provider: &Provider, said: &Discovered) -> (Vec<Text>, Vec<Text>) {
    (trouble(said), notes(provider, said))
}

fn trouble(said: &Discovered) -> Vec<Text> {
    let mut trouble = Vec::new();
    if lacks(said.flows.as_ref(), &["code"]) {
        trouble.push(Text::new(
            "It has no authorization code flow (response_types_supported lacks code). Switch that flow on at the provider.",
            "该提供方不支持授权码流程（response_types_supported 中没有 code），请在提供方启用该流程。",
        ));
    }
    if lacks(said.challenges.as_ref(), &["S256"]) {
        trouble.push(Text::new(
            "It does not take PKCE by S256 (code_challenge_methods_supported lacks S256). Allow S256 at the provider.",
            "该提供方不支持 S256 方式的 PKCE（code_challenge_methods_supported 中没有 S256），请在提供方允许 S256。",
        ));
    }
    if lacks(said.algorithms.as_ref(), &ALGORITHMS) {
        trouble.push(Text::new(
            "It signs ID tokens neither by RS256 nor by ES256, and no other algorithm is taken. Choose one of them at the provider.",
            "该提供方的 ID 令牌既不使用 RS256 也不使用 ES256 签名，而其他算法不被接受。请在提供方选择其中之一。",
        ));
    }
    if said.keys == 0 {
        trouble.push(Text::new(
            "It publishes no key that an ID token can be checked by (RSA, or EC on P-256). Make such a key at the provider.",
            "该提供方没有公布可用于校验 ID 令牌的密钥（RSA，或 P-256 曲线的 EC 密钥），请在提供方创建。",
        ));
    }
    let ways = secret_ways(said.secret_ways.as_deref());
    if !ways.iter().any(|way| SECRET_WAYS.contains(way)) {
        trouble.push(Text::new(
            format!(
                "It takes the client secret neither by client_secret_basic nor by client_secret_post, but by {}. Allow one of the two at the provider.",
                ways.join(", ")
            ),
            format!(
                "该提供方不接受 client_secret_basic 或 client_secret_post 方式的客户端密钥，只接受 {}。请在提供方允许两者之一。",
                ways.join("、")
            ),
        ));
    }
    trouble
}

fn notes(provider: &Provider, said: &Discovered) -> Vec<Text> {
    let mut notes = Vec::new();
    if !provider.issuer.starts_with("https:") {
        notes.push(Text::new(
            "It is reached without TLS: whoever is between can sign in as anybody. Use https.",
            "该提供方未使用 TLS，中间人可以冒充任何人登录。请使用 https。",
        ));
    }
    if said.challenges.is_none() {
        notes.push(Text::new(
            "It does not say that it takes PKCE (code_challenge_methods_supported). Slipway sends it all the same.",
            "该提供方未声明是否支持 PKCE（code_challenge_methods_supported），Slipway 仍会发送。",
        ));
    }
    if !said.userinfo {
        notes.push(Text::new(
            "It has no userinfo endpoint: name, address and groups must stand in the ID token.",
            "该提供方没有 userinfo 端点，姓名、邮箱和用户组必须包含在 ID 令牌中。",
        ));
    }
    let unknown: Vec<&str> = provider
        .scopes
        .iter()
        .filter(|scope| lacks(said.scopes.as_ref(), &[scope]))
        .map(String::as_str)
        .collect();
    if !unknown.is_empty() {
        notes.push(Text::new(
            format!(
                "It does not list these scopes among those it knows: {}.",
                unknown.join(", ")
            ),
            format!("该提供方未列出以下权限范围：{}。", unknown.join("、")),
        ));
    }
    if let Some(claim) = &provider.groups_claim
        && lacks(said.claims.as_ref(), &[claim])
    {
        notes.push(Text::new(
            format!("It does not list the claim {claim} among those it can tell: groups may stay empty."),
            format!("该提供方未列出声明 {claim}，用户组可能为空。"),
        ));
    }
    notes
}

/// The key that was typed.
///
/// # Errors
/// It is none, or an address of Slipway's own.
pub fn key(text: &str) -> Result<String, Text> {
    let slug = Slug::parse(text.trim()).map_err(crate::name::NameError::text)?;
    if KEYS_TAKEN.contains(&slug.as_str()) {
        return Err(Text::new(
            "this is an address of Slipway's own; choose another",
            "这是 Slipway 自用的地址，请换一个",
        ));
    }
    Ok(slug.into())
}

/// The name that was typed.
///
/// # Errors
/// It is empty or too long.
pub fn name(text: &str) -> Result<String, Text> {
    person::name(text).map_err(crate::name::NameError::text)
}

/// The issuer that was typed (`OpenID` Connect Discovery 1.0, 2: a URL without query and fragment).
///
/// # Errors
/// It is no such URL; says what to write.
pub fn issuer(text: &str) -> Result<String, Text> {
    let text = text.trim();
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let plain = text.len() <= LONGEST
        && text
            .chars()
            .all(|c| c.is_ascii_graphic() && !matches!(c, '@' | '?' | '#' | '"' | '<' | '>' | '\\'));
    if host.is_empty() || !plain {
        return Err(Text::new(
            "write the issuer's URL exactly as the provider calls itself, as in https://sso.example.com/realms/work",
            "请按提供方自称的写法填写 Issuer 地址，例如 https://sso.example.com/realms/work",
        ));
    }
    Ok(text.to_owned())
}

/// A client id that was typed.
///
/// # Errors
/// It is empty or no single word.
pub fn client_id(text: &str) -> Result<String, Text> {
    let text = text.trim();
    if text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_control) {
        return Err(Text::new(
            "write the client id that the provider shows once Slipway is registered there",
            "请填写在提供方注册 Slipway 后显示的客户端 ID",
        ));
    }
    Ok(text.to_owned())
}

/// The words of a list, between spaces or commas.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', ',', '\t', '\r', '\n'])
        .filter(|word| !word.is_empty())
}

/// The scopes that were typed (RFC 6749, 3.3), each once; `openid` is always asked for and left out.
///
/// # Errors
/// One of them is none.
pub fn scopes(text: &str) -> Result<Vec<String>, Text> {
    let mut scopes = Vec::new();
    for word in words(text) {
        let good = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\');
        if !word.chars().all(good) || text.len() > LONGEST {
            return Err(Text::new(
                "write scopes with spaces between, as in profile email",
                "请用空格分隔权限范围，例如 profile email",
            ));
        }
        if word != "openid" && !scopes.iter().any(|known| known == word) {
            scopes.push(word.to_owned());
        }
    }
    Ok(scopes)
}

/// The domains that were typed, each once, in small letters.
///
/// # Errors
/// One of them is none.
pub fn domains(text: &str) -> Result<Vec<String>, Text> {
    let mut domains = Vec::new();
    for word in words(text) {
        let domain = word.trim_start_matches('@').to_ascii_lowercase();
        let good = domain
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'));
        if !good || domain.starts_with(['.', '-']) || domain.ends_with('.') || text.len() > LONGEST {
            return Err(Text::new(
                "write domains with spaces between, as in example.com example.org",
                "请用空格分隔域名，例如 example.com example.org",
            ));
        }
        if !domain.is_empty() && !domains.contains(&domain) {
            domains.push(domain);
        }
    }
    Ok(domains)
}

/// The claim that was typed; nothing: `None`.
///
/// # Errors
/// It is no single word.
pub fn claim(text: &str) -> Result<Option<String>, Text> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() > 200 || !text.chars().all(|c| c.is_ascii_graphic()) {
        return Err(Text::new(
            "write the claim's name, as in groups",
            "请填写声明的名称，例如 groups",
        ));
    }
    Ok(Some(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::TypedId;
    use proptest::prelude::*;

    fn provider() -> Provider {
        Provider {
            id: ProviderId::from_uuid(uuid::Uuid::nil()),
            key: String::from("sso"),
            name: String::from("SSO"),
            issuer: String::from("https://sso.example.com"),
            client_id: String::from("slipway"),
            scopes: vec![String::from("email"), String::from("groups")],
            groups_claim: Some(String::from("groups")),
            allowed_domains: Vec::new(),
            off_since: None,
            report: None,
            version: 0,
        }
    }

    fn list(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn whole() -> Discovered {
        Discovered {
            flows: Some(list(&["code", "id_token"])),
            challenges: Some(list(&["plain", "S256"])),
            userinfo: true,
            secret_ways: Some(list(&["client_secret_post"])),
            algorithms: Some(list(&["HS256", "RS256"])),
            scopes: Some(list(&["openid", "email", "groups"])),
            claims: Some(list(&["sub", "groups"])),
            keys: 1,
        }
    }

    #[test]
    fn a_provider_that_has_all_of_it_is_in_order_and_one_that_says_little_as_well() {
        assert_eq!(judged(&provider(), &whole()), (Vec::new(), Vec::new()));
        let silent = Discovered {
            userinfo: true,
            keys: 1,
            ..Discovered::default()
        };
        let (trouble, notes) = judged(&provider(), &silent);
        assert!(trouble.is_empty(), "{trouble:?}");
        assert_eq!(notes.len(), 1, "that it takes PKCE is not said: {notes:?}");
    }

    #[test]
    fn each_thing_that_is_missing_is_told() {
        let told = |said: Discovered| {
            let (trouble, notes) = judged(&provider(), &said);
            let words = |texts: Vec<Text>| texts.into_iter().map(|t| t.en).collect::<Vec<_>>().join(" ");
            (words(trouble), words(notes))
        };
        let cases: [(Discovered, &str); 5] = [
            (
                Discovered {
                    flows: Some(list(&["id_token"])),
                    ..whole()
                },
                "authorization code flow",
            ),
            (
                Discovered {
                    challenges: Some(list(&["plain"])),
                    ..whole()
                },
                "S256",
            ),
            (
                Discovered {
                    algorithms: Some(list(&["HS256"])),
                    ..whole()
                },
                "RS256",
            ),
            (Discovered { keys: 0, ..whole() }, "no key"),
            (
                Discovered {
                    secret_ways: Some(list(&["private_key_jwt"])),
                    ..whole()
                },
                "private_key_jwt",
            ),
        ];
        for (said, word) in cases {
            let (trouble, notes) = told(said);
            assert!(
                trouble.contains(word) && notes.is_empty(),
                "{word}: {trouble} {notes}"
            );
        }
        let cases: [(Discovered, &str); 3] = [
            (
                Discovered {
                    userinfo: false,
                    ..whole()
                },
                "userinfo",
            ),
            (
                Discovered {
                    scopes: Some(list(&["email"])),
                    ..whole()
                },
                "scopes among those it knows: groups",
            ),
            (
                Discovered {
                    claims: Some(list(&["sub"])),
                    ..whole()
                },
                "claim groups",
            ),
        ];
        for (said, word) in cases {
            let (trouble, notes) = told(said);
            assert!(
                notes.contains(word) && trouble.is_empty(),
                "{word}: {trouble} {notes}"
            );
        }
        let open = Provider {
            issuer: String::from("http://sso.example.com"),
            ..provider()
        };
        assert!(judged(&open, &whole()).1[0].en.contains("without TLS"));
    }

    #[test]
    fn what_is_typed_is_read_once_and_refused_with_what_to_write() {
        assert_eq!(key(" sso "), Ok(String::from("sso")));
        for taken in ["gitlab", "code", "a", "S"] {
            assert!(key(taken).is_err(), "{taken}");
        }
        assert_eq!(
            scopes("openid email, profile email"),
            Ok(vec![String::from("email"), String::from("profile")])
        );
        assert!(scopes("e\"mail").is_err());
        assert_eq!(
            domains("Example.com @example.org,example.com"),
            Ok(vec![String::from("example.com"), String::from("example.org")])
        );
        assert!(domains("http://example.com").is_err());
        assert_eq!(
            issuer(" https://sso.example.com/realms/work "),
            Ok(String::from("https://sso.example.com/realms/work"))
        );
        for wrong in [
            "sso.example.com",
            "https://",
            "ftp://a.b",
            "https://u:p@a.b",
            "https://a.b?x",
            "https://a.b#x",
            "https://a b",
        ] {
            assert!(issuer(wrong).is_err(), "{wrong}");
        }
        assert_eq!(claim("  "), Ok(None));
        assert!(claim("a b").is_err());
        assert!(client_id(" ").is_err());
    }

    proptest! {
        #[test]
        fn an_issuer_that_is_taken_is_a_url_with_a_host_and_no_query(text in "(https?://)?[a-z.:/?#@ \"<]{0,30}") {
            if let Ok(issuer) = issuer(&text) {
                prop_assert!(issuer.starts_with("http"));
                prop_assert!(!issuer.contains(['?', '#', '@', ' ', '"', '<']));
            }
        }

        #[test]
        fn scopes_that_are_taken_survive_the_store(text in "[ -~]{0,60}") {
            if let Ok(found) = scopes(&text) {
                prop_assert_eq!(scopes(&found.join(" ")), Ok(found));
            }
        }

        #[test]
        fn domains_that_are_taken_survive_the_store(text in "[ -~]{0,60}") {
            if let Ok(found) = domains(&text) {
                prop_assert_eq!(domains(&found.join(" ")), Ok(found));
            }
        }
    }
}
