//! `slipway check-config` against the sandbox, on good and on bad days.

use slipway_sandbox::faults::{Fault, FaultMatch};
use slipway_sandbox::{Sandbox, SandboxConfig, Speed};
use slipway_server::command::check::check;
use slipway_server::config::Config;
use slipway_store::SqlStore;
use slipway_testkit::s3::{ACCESS_KEY, BUCKET, REGION, SECRET_KEY};
use slipway_testkit::{S3Fault, S3Server, SmtpFault, SmtpServer};
use std::path::Path;
use std::time::{Duration, Instant};

async fn sandbox(folder: &Path) -> Sandbox {
    let free = "127.0.0.1:0".parse().unwrap();
    Sandbox::start(SandboxConfig {
        data: folder.join("sandbox"),
        gitlab: free,
        kubernetes: vec![(String::from("one"), free)],
        speed: Speed::Fast,
        kubeconfig: folder.join("kubeconfig"),
    })
    .await
    .unwrap()
}

fn config(folder: &Path, gitlab: &str, token: &str, context: &str) -> Config {
    config_and(folder, gitlab, token, context, "")
}

/// Signing in with the GitLab at `base_url`.
fn sign_in(base_url: &str) -> String {
    format!("[sign_in.gitlab]\nbase_url = \"{base_url}\"\nclient_id = \"id\"\nclient_secret = \"secret\"\n")
}

fn config_and(folder: &Path, gitlab: &str, token: &str, context: &str, more: &str) -> Config {
    let text = format!(
        "[secrets]\nkey = \"0123456789abcdef\"\n[database]\nurl = \"sqlite://{folder}/slipway.db\"\n\
         [[gitlab]]\nname = \"main\"\nbase_url = \"{gitlab}\"\ntoken = \"{token}\"\n\
         [[clusters]]\nname = \"one\"\nkubeconfig = \"kubeconfig\"\ncontext = \"{context}\"\n{more}",
        folder = folder.display()
    );
    let path = folder.join("slipway.toml");
    std::fs::write(&path, text).unwrap();
    Config::load(Some(&path)).unwrap()
}

fn line<'a>(lines: &'a [String], what: &str) -> &'a str {
    lines
        .iter()
        .find(|line| line.contains(what))
        .unwrap_or_else(|| panic!("no line about {what}: {lines:?}"))
}

#[tokio::test]
async fn a_good_configuration_passes_and_each_trouble_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = sandbox(folder.path()).await;
    let (url, token) = (sandbox.gitlab_url(), sandbox.gitlab_token().to_owned());

    let good = check(&config(folder.path(), &url, &token, "one")).await;
    assert!(!good.failed(), "{:?}", good.lines());
    assert!(line(good.lines(), "gitlab `main`").contains("knows the token as root"));
    assert!(line(good.lines(), "cluster `one`").contains("answers as v"));

    let token_is_wrong = check(&config(folder.path(), &url, "glpat-wrong", "one")).await;
    assert!(token_is_wrong.failed());
    let told = line(token_is_wrong.lines(), "gitlab `main`");
    assert!(
        told.starts_with("FAIL") && told.contains("refuses the token") && told.contains("scope api"),
        "{told}"
    );
    assert!(!told.contains("glpat-wrong"), "the token is not shown");
    assert!(
        line(token_is_wrong.lines(), "cluster `one`").starts_with("ok"),
        "the rest is tried all the same"
    );

    let nobody_there = check(&config(folder.path(), "http://127.0.0.1:9", &token, "none")).await;
    let told = line(nobody_there.lines(), "gitlab `main`");
    assert!(
        told.starts_with("FAIL") && told.contains("does not answer") && told.contains("base_url"),
        "{told}"
    );
    assert!(line(nobody_there.lines(), "cluster `one`").starts_with("FAIL"));

    let faults = sandbox.gitlab().faults();
    let of_cluster = sandbox.kubernetes()[0].faults();
    let all = FaultMatch::default;
    of_cluster.add(all(), Fault::Drop, None).unwrap();
    faults.add(all(), Fault::Status { code: 502 }, None).unwrap();
    let broken = check(&config(folder.path(), &url, &token, "one")).await;
    assert!(line(broken.lines(), "gitlab `main`").contains("Is base_url a GitLab's root"));
    assert!(line(broken.lines(), "cluster `one`").contains("Check the server in the kubeconfig"));

    faults.clear();
    of_cluster.clear();
    faults
        .add(all(), Fault::RateLimited { retry_after: 60 }, None)
        .unwrap();
    of_cluster.add(all(), Fault::Status { code: 401 }, None).unwrap();
    let limited = check(&config(folder.path(), &url, &token, "one")).await;
    assert!(line(limited.lines(), "gitlab `main`").contains("Try again later"));
    let told = line(limited.lines(), "cluster `one`");
    assert!(
        told.starts_with("FAIL") && told.contains("Check the credentials in the kubeconfig"),
        "{told}"
    );

    faults.clear();
    of_cluster.clear();
    faults.add(all(), Fault::Latency { ms: 60_000 }, None).unwrap();
    of_cluster
        .add(all(), Fault::Latency { ms: 60_000 }, None)
        .unwrap();
    let begun = Instant::now();
    let silent = check(&config(folder.path(), &url, &token, "one")).await;
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    for (what, advice) in [
        ("gitlab `main`", "base_url"),
        ("cluster `one`", "server in the kubeconfig"),
    ] {
        let told = line(silent.lines(), what);
        assert!(
            told.starts_with("FAIL") && told.contains("answer") && told.contains(advice),
            "{told}"
        );
    }
    sandbox.shutdown().await;
}

#[tokio::test]
async fn a_token_that_may_not_do_enough_and_a_sign_in_that_is_no_gitlab_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = sandbox(folder.path()).await;
    let url = sandbox.gitlab_url();
    let client = reqwest::Client::new();
    let made = client
        .post(format!("{url}/api/v4/users/1/personal_access_tokens"))
        .header("private-token", sandbox.gitlab_token())
        .json(&serde_json::json!({ "name": "reader", "scopes": ["read_api"], "expires_at": "2099-01-01" }))
        .send()
        .await
        .unwrap();
    let token = made.json::<serde_json::Value>().await.unwrap()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let with = async |provider: &str| {
        check(&config_and(
            folder.path(),
            &url,
            &token,
            "one",
            &sign_in(provider),
        ))
        .await
    };
    let report = with(&url).await;
    let told = line(report.lines(), "gitlab `main`");
    assert!(
        told.starts_with("FAIL") && told.contains("read_api") && told.contains("scope api"),
        "{told}"
    );
    assert!(line(report.lines(), "sign_in.gitlab").starts_with("ok"));

    let report = with("http://127.0.0.1:9").await;
    let told = line(report.lines(), "sign_in.gitlab");
    assert!(
        told.starts_with("FAIL") && told.contains("check base_url"),
        "{told}"
    );
    let report = with(&format!("{url}/no/such/place")).await;
    let told = line(report.lines(), "sign_in.gitlab");
    assert!(told.contains("404") && told.contains("GitLab's root"), "{told}");
    sandbox.shutdown().await;
}

#[tokio::test]
async fn a_mail_server_is_greeted_and_sends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = SmtpServer::start().await;
    server.wants("slipway", "opensesame");
    let told = async |more: &str| {
        let text = format!(
            "[secrets]\nkey = \"0123456789abcdef\"\n[database]\nurl = \"sqlite://{}/slipway.db\"\n\
             [smtp]\nhost = \"127.0.0.1\"\nport = {}\nfrom = \"slipway@example.com\"\n{more}",
            folder.path().display(),
            server.port()
        );
        let path = folder.path().join("mail.toml");
        std::fs::write(&path, text).unwrap();
        let report = check(&Config::load(Some(&path)).unwrap()).await;
        line(report.lines(), "smtp").to_owned()
    };
    let login =
        |password: &str| format!("security = \"none\"\nusername = \"slipway\"\npassword = \"{password}\"\n");
    let good = told(&login("opensesame")).await;
    assert!(good.starts_with("ok") && good.contains("knows slipway"), "{good}");
    let wrong = told(&login("open")).await;
    assert!(
        wrong.starts_with("FAIL") && wrong.contains("535") && wrong.contains("smtp.password"),
        "{wrong}"
    );
    let clear = told("").await;
    assert!(
        clear.starts_with("FAIL") && clear.contains("STARTTLS") && clear.contains("smtp.security"),
        "{clear}"
    );
    server.fails(Some(SmtpFault::Closes));
    let closed = told(&login("opensesame")).await;
    assert!(
        closed.starts_with("FAIL") && closed.contains("smtp.host"),
        "{closed}"
    );
    assert!(server.taken().is_empty());
}

#[tokio::test]
async fn a_bucket_is_tried_and_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let server = S3Server::start().await;
    let write = |more: &str| {
        let text = format!(
            "[secrets]\nkey = \"0123456789abcdef\"\n[database]\nurl = \"sqlite://{}/slipway.db\"\n[attachments]\n{more}",
            folder.path().display(),
        );
        let path = folder.path().join("bucket.toml");
        std::fs::write(&path, text).unwrap();
        Config::load(Some(&path))
    };
    let of = |bucket: &str, region: &str, secret: &str| {
        format!(
            "store = \"s3\"\nendpoint = \"{}\"\nbucket = \"{bucket}\"\nregion = \"{region}\"\nprefix = \"a/b\"\n\
             path_style = true\naccess_key = \"{ACCESS_KEY}\"\nsecret_key = \"{secret}\"\n",
            server.url()
        )
    };
    let told = async |more: &str| {
        let report = check(&write(more).unwrap()).await;
        line(report.lines(), "attachments").to_owned()
    };
    let good = of(BUCKET, REGION, SECRET_KEY);
    let said = told(&good).await;
    assert!(
        said.starts_with("ok") && said.contains("new files go there"),
        "{said}"
    );
    let said = told(&good.replace("store = \"s3\"\n", "")).await;
    assert!(
        said.starts_with("ok") && said.contains("into the database"),
        "{said}"
    );
    assert!(server.keys().is_empty(), "nothing is left behind");
    assert!(
        server
            .calls()
            .iter()
            .all(|call| call.contains(" a/b/check-config/"))
    );
    for (wrong, advice) in [
        (of(BUCKET, REGION, "another"), "attachments.access_key"),
        (of("others", REGION, SECRET_KEY), "attachments.bucket"),
        (of(BUCKET, "us-east-1", SECRET_KEY), "attachments.region"),
    ] {
        let said = told(&wrong).await;
        assert!(said.starts_with("FAIL") && said.contains(advice), "{said}");
        assert!(
            !said.contains("another") && !said.contains(SECRET_KEY) && !said.contains("X-Amz"),
            "{said}"
        );
    }
    for (method, fault, step) in [
        ("PUT", S3Fault::Denied, "cannot be put"),
        ("GET", S3Fault::Broken, "cannot be read"),
        ("DELETE", S3Fault::Denied, "cannot be deleted"),
    ] {
        server.fails(method, fault);
        let said = told(&good).await;
        assert!(said.starts_with("FAIL") && said.contains(step), "{said}");
    }
    server.recovers();
    drop(server);
    let said = told(&good).await;
    assert!(
        said.starts_with("FAIL") && said.contains("attachments.endpoint"),
        "{said}"
    );
    for (more, key) in [
        ("store = \"ftp\"\n", "attachments.store"),
        ("store = \"s3\"\n", "attachments.bucket"),
        ("bucket = \"files\"\n", "attachments.endpoint"),
        (
            "bucket = \"files\"\nendpoint = \"https://user:word@s3.example\"\naccess_key = \"a\"\nsecret_key = \"b\"\n",
            "attachments.endpoint",
        ),
        (
            "bucket = \"files\"\nendpoint = \"https://s3.example\"\naccess_key = \"a\"\n",
            "attachments.secret_key",
        ),
        (
            "bucket = \"files\"\nendpoint = \"https://s3.example\"\nprefix = \"../x\"\naccess_key = \"a\"\nsecret_key = \"b\"\n",
            "attachments.prefix",
        ),
    ] {
        let refused = write(more).unwrap_err().to_string();
        assert!(refused.contains(key), "{refused}");
    }
}

/// A configuration with a database and nothing else.
fn with_database(folder: &Path, url: &str) -> Config {
    let path = folder.join("database.toml");
    let text = format!("[secrets]\nkey = \"0123456789abcdef\"\n[database]\nurl = \"{url}\"\n");
    std::fs::write(&path, text).unwrap();
    Config::load(Some(&path)).unwrap()
}

async fn told_of_database(folder: &Path, url: &str) -> String {
    let report = check(&with_database(folder, url)).await;
    line(report.lines(), "database").to_owned()
}

#[tokio::test]
async fn a_database_is_looked_at_and_never_changed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("slipway.db");
    let url = format!("sqlite://{}", file.display());
    let told = told_of_database(folder.path(), &url).await;
    assert!(
        told.starts_with("ok") && told.contains("the first start makes it"),
        "{told}"
    );
    assert!(!file.exists(), "it was not made");
    let told = told_of_database(
        folder.path(),
        &format!("sqlite://{}/no/slipway.db", folder.path().display()),
    )
    .await;
    assert!(
        told.starts_with("FAIL") && told.contains("make the folder"),
        "{told}"
    );

    let store = SqlStore::connect(&url).await.unwrap();
    let told = told_of_database(folder.path(), &url).await;
    assert!(
        told.starts_with("ok") && told.contains("the next start brings it up to date"),
        "{told}"
    );
    assert!(store.behind().await.unwrap() > 0, "nothing was migrated");
    store.migrate().await.unwrap();
    assert!(
        told_of_database(folder.path(), &url)
            .await
            .contains("is up to date")
    );
    let newer = "INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) \
                 VALUES (9999, 'of tomorrow', CURRENT_TIMESTAMP, TRUE, X'00', 0)";
    store.execute_for_tests(newer.to_owned()).await.unwrap();
    let told = told_of_database(folder.path(), &url).await;
    assert!(
        told.starts_with("FAIL") && told.contains("run a newer Slipway, or restore a backup"),
        "{told}"
    );

    std::fs::write(
        folder.path().join("text.db"),
        "this is no database, it is a text".repeat(100),
    )
    .unwrap();
    let told = told_of_database(
        folder.path(),
        &format!("sqlite://{}/text.db", folder.path().display()),
    )
    .await;
    assert!(
        told.starts_with("FAIL") && told.contains("check the path in database.url"),
        "{told}"
    );
    let told = told_of_database(
        folder.path(),
        "postgres://slipway:secret-word@127.0.0.1:9/slipway",
    )
    .await;
    assert!(
        told.starts_with("FAIL") && told.contains("host, port, name, user and password"),
        "{told}"
    );
    assert!(!told.contains("secret-word"), "the password is not shown");
}
