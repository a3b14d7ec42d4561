use super::*;

fn settings(cache: &Path) -> HostSettings {
    HostSettings {
        cache: cache.to_path_buf(),
        build_user: User::own().unwrap().map(|user| user.name),
        arch: None,
        tools: Tools { sbuild: "/nonexistent/sbuild".into(), mmdebstrap: "/nonexistent/mmdebstrap".into() },
        free: 1,
    }
}

fn named<'a>(checks: &'a [Check], name: &str) -> &'a Check {
    checks.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("no check `{name}` in {checks:?}"))
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named_and_does_not_stop_the_other_checks() {
    let folder = tempfile::tempdir().unwrap();
    let checks = check(&settings(folder.path())).await;
    let sbuild = named(&checks, "sbuild");
    assert!(!sbuild.ok && sbuild.found.contains("/nonexistent/sbuild"), "{sbuild:?}");
    assert!(named(&checks, "apt-get").ok);
    assert!(!named(&checks, "user namespaces").ok);
    assert!(checks.iter().all(|check| check.ok == check.fix.is_empty()), "{checks:?}");
}

#[tokio::test]
async fn a_cache_in_a_closed_folder_is_named_with_the_folder_that_closes_it() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("home/.cache/cloudbuild");
    std::fs::create_dir_all(cache.parent().unwrap()).unwrap();
    for (path, mode) in [(folder.path().to_path_buf(), 0o755), (folder.path().join("home"), 0o700)] {
        let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(mode);
        std::fs::set_permissions(path, mode).unwrap();
    }
    let checks = check(&settings(&cache)).await;
    let reach = named(&checks, "cache for builds");
    let closing = folder.path().join("home").display().to_string();
    assert!(!reach.ok && reach.found.contains(&closing) && reach.fix.contains("chmod o+x"), "{reach:?}");
}

#[tokio::test]
async fn too_little_space_is_said_with_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let checks = check(&HostSettings { free: u64::MAX, ..settings(folder.path()) }).await;
    let space = named(&checks, "cache space");
    assert!(!space.ok && space.found.contains(" free in "), "{space:?}");
}

#[tokio::test]
async fn an_architecture_that_nothing_emulates_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let checks = check(&HostSettings { arch: Some("nonesuch".to_owned()), ..settings(folder.path()) }).await;
    assert!(!named(&checks, "programs for nonesuch").ok);
    let own = architecture().await.unwrap();
    let checks = check(&HostSettings { arch: Some(own), ..settings(folder.path()) }).await;
    assert!(!checks.iter().any(|check| check.name.starts_with("programs for")), "{checks:?}");
}

#[tokio::test]
async fn the_build_user_of_setup_can_make_namespaces_where_it_is_there() {
    let user = if is_root() { User::named(BUILD_USER) } else { User::own() };
    let Some(user) = user.unwrap().filter(|user| user.subuid.is_some() && user.subgid.is_some()) else {
        eprintln!("skipped: no build user with ranges of ids on this machine");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let settings = HostSettings {
        build_user: Some(user.name),
        tools: Tools::default(),
        cache: "/var/tmp".into(),
        ..settings(folder.path())
    };
    assert_eq!(missing(&check(&settings).await), Vec::<String>::new());
}

#[tokio::test]
async fn setup_makes_what_is_missing_and_then_changes_nothing() {
    if std::env::var_os("CLOUDBUILD_TEST_SETUP").is_none() {
        eprintln!("skipped: it changes the machine, so only with CLOUDBUILD_TEST_SETUP=1");
        return;
    }
    let settings = HostSettings {
        cache: "/var/cache/cloudbuild".into(),
        build_user: None,
        arch: None,
        tools: Tools::default(),
        free: 1 << 30,
    };
    let mut said = Vec::new();
    let checks = setup::setup(&settings, &mut |line| said.push(line.to_owned())).await.unwrap();
    eprintln!("{said:#?}");
    for check in &checks {
        eprintln!("{}: {}", check.name, check.found);
    }
    assert!(missing(&checks).is_empty());
    let mut again = Vec::new();
    setup::setup(&settings, &mut |line| again.push(line.to_owned())).await.unwrap();
    assert_eq!(again, Vec::<String>::new());
}
