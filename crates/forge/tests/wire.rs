//! The adapter against a server that says exactly what a test wants.

use slipway_forge::GitlabConnector;
use slipway_portal::outgoing::{Net, Outgoing};
use slipway_portal::ports::{
    Bearer, CodeGrant, Credential, ForgeAccess, ForgeConnector as _, ForgeError, GrantError, NewPipeline,
    OauthApplication, SourceForge, Trace,
};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A pipeline of `main`.
fn on_main() -> NewPipeline {
    NewPipeline {
        git_ref: String::from("main"),
        ..NewPipeline::default()
    }
}

/// Answers each connection with the next text, then closes it. What was asked is kept.
struct Server {
    addr: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

async fn says(answers: Vec<String>) -> Server {
    says_at("127.0.0.1:0", answers).await
}

async fn says_at(address: &str, answers: Vec<String>) -> Server {
    let listener = TcpListener::bind(address).await.unwrap();
    let addr = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&asked);
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let request = whole(&mut stream).await;
            kept.lock().unwrap().push(request);
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    Server { addr, asked }
}

/// A request with its body, which may come later than its head.
async fn whole(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut piece = vec![0; 16 * 1024];
    loop {
        let size = stream.read(&mut piece).await.unwrap_or(0);
        request.extend_from_slice(&piece[..size]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let complete = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let head = head.to_lowercase();
            let length = head.split_once("content-length:").map_or("", |(_, rest)| rest);
            let length = length.lines().next().unwrap_or_default().trim();
            body.len() >= length.parse().unwrap_or(0)
        });
        if complete || size == 0 {
            return text;
        }
    }
}

fn answer(head: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

impl Server {
    fn forge(&self) -> Arc<dyn SourceForge> {
        let access = ForgeAccess {
            base_url: format!("http://{}", self.addr),
            credential: Credential::Token(String::from("glpat-secret")),
            operator: false,
        };
        GitlabConnector::new(Outgoing::with_loopback())
            .connect(&access)
            .unwrap()
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_a_failure_of_gitlab() {
    let server = says(vec![
        answer(
            "200 OK\r\nContent-Type: text/html",
            "<html>Sign in to the proxy</html>",
        ),
        answer("200 OK", "[]"),
        answer("200 OK", "{}"),
        answer("502 Bad Gateway", "<html></html>"),
    ])
    .await;
    let forge = server.forge();
    for _ in 0..4 {
        let error = forge.pipeline(1, 2).await.unwrap_err();
        assert!(matches!(error, ForgeError::Broken(_)), "{error}");
        assert!(error.is_passing());
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_counts_as_none() {
    let whole = answer("200 OK", r#"{"id": 1, "sha": "a"}"#);
    let server = says(vec![
        whole[..whole.len() - 5].to_owned(),
        String::new(),
        String::from("HTTP/1.1 2"),
    ])
    .await;
    let forge = server.forge();
    for _ in 0..3 {
        let error = forge.pipeline(1, 2).await.unwrap_err();
        assert!(matches!(error, ForgeError::Unreachable(_)), "{error}");
    }
    let error = forge.pipeline(1, 2).await.unwrap_err();
    assert!(
        matches!(&error, ForgeError::Unreachable(why) if why.contains("refused")),
        "{error}"
    );
}

#[tokio::test]
async fn the_token_goes_to_gitlab_and_nowhere_else() {
    let elsewhere = says(vec![answer("200 OK", "bytes of a store")]).await;
    let to = format!("302 Found\r\nLocation: http://{}/signed?key=1", elsewhere.addr);
    let post = format!(
        "301 Moved Permanently\r\nLocation: http://{}/api/v4/x",
        elsewhere.addr
    );
    let server = says(vec![answer(&to, ""), answer(&post, "")]).await;
    let forge = server.forge();
    let file = forge.artifact(1, 2, "dir name/release.env").await.unwrap();
    assert_eq!(file.as_deref(), Some(b"bytes of a store".as_slice()));
    let asked = server.asked();
    assert!(
        asked[0].starts_with("GET /api/v4/projects/1/jobs/2/artifacts/dir%20name/release.env "),
        "{}",
        asked[0]
    );
    assert!(asked[0].to_lowercase().contains("private-token: glpat-secret"));
    assert!(!elsewhere.asked()[0].contains("glpat-secret"));
    // What is written is not written somewhere else.
    let error = forge.create_pipeline(1, &on_main()).await.unwrap_err();
    assert!(
        matches!(&error, ForgeError::Refused(why) if why.contains("change the address")),
        "{error}"
    );
    assert!(!error.to_string().contains("glpat-secret"));
}

#[tokio::test]
async fn a_log_goes_on_where_it_ended() {
    let part = |range: &str, body: &str| {
        answer(
            &format!("206 Partial Content\r\nContent-Range: bytes {range}"),
            body,
        )
    };
    let server = says(vec![
        answer("200 OK", "whole log"),
        part("5-8/9", " log"),
        answer("416 Range Not Satisfiable\r\nContent-Range: bytes */9", ""),
        answer("416 Range Not Satisfiable\r\nContent-Range: bytes */3", ""),
        answer("200 OK", "new"),
        part("0-8/9", "whole log"),
        answer("204 No Content", ""),
        answer("200 OK", "whole log"),
    ])
    .await;
    let forge = server.forge();
    assert_eq!(
        forge.trace(1, 2, 0).await.unwrap(),
        Trace::Whole(b"whole log".to_vec())
    );
    assert_eq!(forge.trace(1, 2, 5).await.unwrap(), Trace::Rest(b" log".to_vec()));
    assert_eq!(forge.trace(1, 2, 9).await.unwrap(), Trace::Rest(Vec::new()));
    // The log was erased and begun anew.
    assert_eq!(forge.trace(1, 2, 9).await.unwrap(), Trace::Whole(b"new".to_vec()));
    assert!(matches!(forge.trace(1, 2, 5).await, Err(ForgeError::Broken(_))));
    assert_eq!(forge.trace(1, 2, 0).await.unwrap(), Trace::Whole(Vec::new()));
    // A GitLab that does not know ranges.
    assert_eq!(
        forge.trace(1, 2, 5).await.unwrap(),
        Trace::Whole(b"whole log".to_vec())
    );
    assert!(server.asked()[1].to_lowercase().contains("range: bytes=5-"));
}

#[tokio::test]
async fn pages_are_followed_to_the_end() {
    let page = |ids: std::ops::Range<i64>| {
        let items: Vec<_> = ids
            .map(|id| serde_json::json!({ "id": id, "name": format!("job {id}") }))
            .collect();
        answer("200 OK", &serde_json::to_string(&items).unwrap())
    };
    let server = says(vec![page(150..250), page(100..150)]).await;
    let jobs = server.forge().jobs(1, 2).await.unwrap();
    assert_eq!(jobs.len(), 150);
    assert_eq!((jobs[0].id, jobs[149].id), (100, 249));
    assert!(server.asked()[1].contains("page=2"), "{}", server.asked()[1]);
}

#[tokio::test]
async fn only_runners_that_can_take_the_job_count() {
    let runners = r#"[
        {"id": 1, "status": "online", "paused": false},
        {"id": 2, "status": "offline", "paused": false},
        {"id": 3, "status": "online", "paused": true},
        {"id": 4, "online": true}
    ]"#;
    let server = says(vec![answer("200 OK", runners)]).await;
    let tags = [String::from("arm64"), String::from("gpu")];
    let runners = server.forge().runners(1, &tags).await.unwrap();
    let able = runners.iter().filter(|runner| runner.online && !runner.paused);
    assert_eq!((runners.len(), able.count()), (4, 2));
    assert!(
        server.asked()[0].contains("tag_list=arm64%2Cgpu"),
        "{}",
        server.asked()[0]
    );
}

/// A client for an address that somebody typed.
fn typed(base_url: &str, outgoing: Outgoing) -> Result<Arc<dyn SourceForge>, ForgeError> {
    GitlabConnector::new(outgoing).connect(&ForgeAccess {
        base_url: base_url.to_owned(),
        credential: Credential::Token(String::from("glpat-secret")),
        operator: false,
    })
}

#[tokio::test]
async fn a_typed_address_leads_to_no_machine_of_slipway_s_however_it_is_written() {
    let server = says(vec![answer("200 OK", "{}")]).await;
    let port = server.addr.port();
    for host in [
        "127.0.0.1",
        "[::1]",
        "0.0.0.0",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "localhost",
        "169.254.169.254",
        "2852039166",
        "[fd00:ec2::254]",
        "user:password@127.0.0.1",
    ] {
        let url = format!("http://{host}:{port}");
        let refused = GitlabConnector::new(Outgoing::default())
            .admits(&url)
            .await
            .unwrap_err();
        assert!(matches!(refused, ForgeError::OutOfBounds(_)), "{host}: {refused}");
        // What was kept before the rule, or by a name that led elsewhere then, is asked again by each connection.
        let forge = typed(&url, Outgoing::default()).unwrap();
        let refused = forge.pipeline(1, 2).await.unwrap_err();
        assert!(matches!(refused, ForgeError::OutOfBounds(_)), "{host}: {refused}");
        assert!(!refused.is_passing(), "trying again does not help");
    }
    assert_eq!(server.asked(), Vec::<String>::new(), "nobody was asked");
}

#[tokio::test]
async fn a_redirect_leads_out_of_bounds_no_more_than_an_address() {
    let inner = says(vec![answer("200 OK", "{}")]).await;
    // Only this one address of the loopback is in bounds.
    let allowed = || Outgoing::allowing(vec![Net::parse("127.0.0.2").unwrap()]);
    for target in [
        String::from("http://169.254.169.254/latest/meta-data/"),
        String::from("http://2852039166/latest/meta-data/"),
        format!("http://{}/", inner.addr),
        format!("http://localhost:{}/", inner.addr.port()),
        format!("http://[::ffff:127.0.0.1]:{}/", inner.addr.port()),
    ] {
        let head = format!("302 Found\r\nLocation: {target}");
        let outer = says_at("127.0.0.2:0", vec![answer(&head, "")]).await;
        let forge = typed(&format!("http://{}", outer.addr), allowed()).unwrap();
        let refused = forge.pipeline(1, 2).await.unwrap_err();
        assert!(
            matches!(refused, ForgeError::OutOfBounds(_)),
            "{target}: {refused}"
        );
        assert_eq!(outer.asked().len(), 1, "{target}");
    }
    assert_eq!(inner.asked(), Vec::<String>::new(), "nobody was asked");
}

/// A bearer with one token after the other; what GitLab refused is kept.
#[derive(Default)]
struct Tokens(Mutex<Vec<String>>);

#[async_trait::async_trait]
impl Bearer for Tokens {
    async fn token(&self) -> Result<String, ForgeError> {
        Ok(format!("token-{}", self.0.lock().unwrap().len()))
    }

    async fn another(&self, refused: &str) -> Result<String, ForgeError> {
        self.0.lock().unwrap().push(refused.to_owned());
        self.token().await
    }
}

fn bearing(server: &Server, tokens: &Arc<Tokens>) -> Arc<dyn SourceForge> {
    let access = ForgeAccess {
        base_url: format!("http://{}", server.addr),
        credential: Credential::Bearer(Arc::clone(tokens) as Arc<dyn Bearer>),
        operator: false,
    };
    GitlabConnector::new(Outgoing::with_loopback())
        .connect(&access)
        .unwrap()
}

#[tokio::test]
async fn a_bearer_token_goes_to_gitlab_and_nowhere_else() {
    let elsewhere = says(vec![answer("200 OK", "bytes"), answer("401 Unauthorized", "")]).await;
    let to = format!("302 Found\r\nLocation: http://{}/signed?key=1", elsewhere.addr);
    let server = says(vec![answer(&to, ""), answer(&to, "")]).await;
    let tokens = Arc::new(Tokens::default());
    let forge = bearing(&server, &tokens);
    assert!(forge.artifact(1, 2, "release.env").await.unwrap().is_some());
    let asked = server.asked()[0].to_lowercase();
    assert!(
        asked.contains("authorization: bearer token-0") && !asked.contains("private-token"),
        "{asked}"
    );
    assert!(!elsewhere.asked()[0].contains("token-0"));
    // A store that refuses says nothing of the token.
    let refused = forge.artifact(1, 2, "release.env").await.unwrap_err();
    assert!(matches!(refused, ForgeError::Refused(_)), "{refused}");
    assert!(tokens.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_refused_bearer_token_is_exchanged_once() {
    let server = says(vec![
        answer("401 Unauthorized", r#"{"error":"invalid_token"}"#),
        answer("201 Created", r#"{"id":7,"sha":"a"}"#),
        answer("401 Unauthorized", ""),
        answer("401 Unauthorized", ""),
    ])
    .await;
    let tokens = Arc::new(Tokens::default());
    let forge = bearing(&server, &tokens);
    assert_eq!(forge.create_pipeline(1, &on_main()).await.unwrap().id, 7);
    let asked = server.asked();
    assert!(
        asked[0].contains("Bearer token-0") && asked[1].contains("Bearer token-1"),
        "{asked:?}"
    );
    assert_eq!(
        asked[0].split("\r\n\r\n").nth(1),
        asked[1].split("\r\n\r\n").nth(1),
        "the same body"
    );
    let refused = forge.pipeline(1, 2).await.unwrap_err();
    assert!(matches!(refused, ForgeError::BadToken), "{refused}");
    assert_eq!(*tokens.0.lock().unwrap(), ["token-0", "token-1"]);
    assert_eq!(server.asked().len(), 4);
}

#[tokio::test]
async fn an_oauth_token_says_its_scopes() {
    let server = says(vec![
        answer("200 OK", r#"{"username":"root"}"#),
        answer(
            "200 OK",
            r#"{"scope":["read_api"],"expires_in":7000,"expires_in_seconds":7000}"#,
        ),
        answer("200 OK", r#"{"username":"root"}"#),
        answer("200 OK", r#"{"scopes":["api"]}"#),
    ])
    .await;
    let forge = bearing(&server, &Arc::default());
    let told = forge.token().await.unwrap();
    assert_eq!(
        (told.username.as_str(), told.scopes, told.expires_at),
        ("root", vec![String::from("read_api")], None)
    );
    assert_eq!(
        forge.token().await.unwrap().scopes,
        ["api"],
        "before GitLab named it otherwise"
    );
    assert!(
        server.asked()[1].starts_with("GET /oauth/token/info "),
        "{}",
        server.asked()[1]
    );
}

fn application(base_url: String) -> OauthApplication {
    OauthApplication {
        base_url,
        id: String::from("the application"),
        secret: String::from("gloas-secret"),
    }
}

const CODE: CodeGrant<'_> = CodeGrant {
    code: "the code",
    verifier: "the verifier",
    redirect_uri: "http://127.0.0.1:3000/connections/gitlab/callback",
};

#[tokio::test]
async fn tokens_are_asked_for_in_the_body_and_each_refusal_is_told_apart() {
    let tokens =
        r#"{"access_token":"a","token_type":"Bearer","expires_in":7200,"refresh_token":"r","scope":"api"}"#;
    let server = says(vec![
        answer("200 OK", tokens),
        answer("200 OK", r#"{"access_token":"b"}"#),
        answer("200 OK", r#"{"error":"odd"}"#),
        answer("200 OK", "<html></html>"),
        answer("400 Bad Request", r#"{"error":"invalid_grant"}"#),
        answer("401 Unauthorized", r#"{"error":"invalid_client"}"#),
        answer("429 Too Many Requests\r\nRetry-After: 7", ""),
        answer("502 Bad Gateway", "<html></html>"),
        String::from("HTTP/1.1 2"),
    ])
    .await;
    let connector = GitlabConnector::new(Outgoing::with_loopback());
    let asked = application(format!("http://{}/", server.addr));
    let given = connector.redeem(&asked, &CODE).await.unwrap();
    assert_eq!(
        (given.access.as_str(), given.refresh.as_deref(), given.lives),
        ("a", Some("r"), Some(7200))
    );
    let request = server.asked().remove(0);
    assert!(request.starts_with("POST /oauth/token "), "{request}");
    for part in [
        "grant_type=authorization_code",
        "code=the+code",
        "code_verifier=the+verifier",
        "client_id=the+application",
        "client_secret=gloas-secret",
    ] {
        assert!(request.contains(part), "{part}: {request}");
    }
    let given = connector.refresh(&asked, "r", CODE.redirect_uri).await.unwrap();
    assert_eq!((given.refresh, given.lives), (None, None), "GitLab need not say");
    let mut refused = Vec::new();
    for _ in 0..7 {
        refused.push(
            connector
                .refresh(&asked, "r", CODE.redirect_uri)
                .await
                .err()
                .unwrap(),
        );
    }
    assert!(
        matches!(
            refused.as_slice(),
            [
                GrantError::Forge(ForgeError::Broken(_)),
                GrantError::Forge(ForgeError::Broken(_)),
                GrantError::Refused(_),
                GrantError::Application(_),
                GrantError::Forge(ForgeError::Limited { retry_after: 7 }),
                GrantError::Forge(ForgeError::Broken(_)),
                GrantError::Forge(ForgeError::Unreachable(_)),
            ]
        ),
        "{refused:?}"
    );
    assert!(!format!("{refused:?}").contains("gloas-secret"));
}

#[tokio::test]
async fn a_secret_goes_to_the_address_that_was_typed_and_never_out_of_bounds() {
    let inner = says(vec![answer("200 OK", "{}")]).await;
    let typed = GitlabConnector::new(Outgoing::default());
    for host in [
        "127.0.0.1",
        "localhost",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "169.254.169.254",
    ] {
        let asked = application(format!("http://{host}:{}", inner.addr.port()));
        for refused in [
            typed.redeem(&asked, &CODE).await.map(drop),
            typed.refresh(&asked, "r", CODE.redirect_uri).await.map(drop),
            typed.revoke(&asked, "r").await,
        ] {
            assert!(
                matches!(refused, Err(GrantError::Forge(ForgeError::OutOfBounds(_)))),
                "{host}: {refused:?}"
            );
        }
    }
    let to = |status: &str| format!("{status}\r\nLocation: http://{}/oauth/token", inner.addr);
    let moved = says(vec![
        answer(&to("302 Found"), ""),
        answer(&to("307 Temporary Redirect"), ""),
    ])
    .await;
    let connector = GitlabConnector::new(Outgoing::with_loopback());
    let asked = application(format!("http://{}", moved.addr));
    for _ in 0..2 {
        let refused = connector.redeem(&asked, &CODE).await.map(drop);
        assert!(
            matches!(&refused, Err(GrantError::Forge(ForgeError::Refused(why))) if why.contains("change the address")),
            "{refused:?}"
        );
    }
    assert_eq!(inner.asked(), Vec::<String>::new(), "nobody was asked");
}
