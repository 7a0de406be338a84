//! With shell scripts as children. The real one is tested with the program.

use futures::future::join_all;

use super::*;

const LIMITS: Limits = Limits {
    address_space: 1 << 30,
    cpu_seconds: 60,
    wall: Duration::from_secs(60),
    artifact: 1 << 20,
};

/// A child that is this shell script; its stdin is the module alone.
fn script(script: &str) -> Compiler {
    let script = format!("dd bs=1 count={PREAMBLE} >/dev/null 2>&1; {script}");
    Compiler::with_command("/bin/sh".into(), vec!["-c".into(), script.into()])
}

#[tokio::test]
async fn the_child_gets_the_module_and_nothing_else() {
    let compiler = script("printf C; pwd; env | sort; cat");
    let artifact = compiler.compile(b"module", LIMITS).await.unwrap();
    assert_eq!(
        String::from_utf8_lossy(artifact.bytes().unwrap()),
        format!(
            "/\nMIMALLOC_ARENA_RESERVE=0\nPWD=/\nRAYON_NUM_THREADS={}\nmodule",
            threads()
        )
    );
}

#[test]
fn limits_go_in_front_of_the_module() {
    assert_eq!(
        preamble(&LIMITS, 258),
        *b"\0\0\0\0\x40\0\0\0\0\0\0\0\0\0\0\x3c\0\0\0\0\0\0\x01\x02"
    );
}

#[tokio::test]
async fn the_same_module_is_compiled_once_at_a_time() {
    let compiler = script("printf C; cat; printf x");
    let same = join_all((0..10).map(|_| compiler.compile(b"same", LIMITS))).await;
    let other = compiler.compile(b"other", LIMITS).await.unwrap();
    assert!(
        same.iter()
            .all(|one| one.as_ref().unwrap().bytes() == Some(&b"samex"[..]))
    );
    assert_eq!(other.bytes().unwrap(), b"otherx");
    assert_eq!(compiler.started(), 2);
    compiler.compile(b"same", LIMITS).await.unwrap();
    assert_eq!(compiler.started(), 3);
}

#[tokio::test]
async fn a_caller_that_leaves_costs_the_others_nothing() {
    let compiler = script("printf C; cat");
    let mut first = Box::pin(compiler.compile(b"same", LIMITS));
    let mut second = Box::pin(compiler.compile(b"same", LIMITS));
    assert!(futures::poll!(&mut first).is_pending());
    assert!(futures::poll!(&mut second).is_pending());
    drop(first);
    assert_eq!(second.await.unwrap().bytes().unwrap(), b"same");
    assert_eq!(compiler.started(), 1);
}

#[tokio::test]
async fn children_at_a_time_are_limited() {
    let dir = tempfile::tempdir().unwrap();
    // Each leaves a file while it runs, and fails if there are more than there are cores.
    let under_way = dir.path().display();
    let cores = cores();
    let compiler = script(&format!(
        "cat >/dev/null; : >{under_way}/$$; [ $(ls {under_way} | wc -l) -le {cores} ] && printf C; rm {under_way}/$$"
    ));
    let modules: Vec<_> = (0..4 * cores).map(|n| n.to_string()).collect();
    let compiled = modules
        .iter()
        .map(|module| compiler.compile(module.as_bytes(), LIMITS));
    for outcome in join_all(compiled).await {
        outcome.unwrap();
    }
}

#[tokio::test]
async fn ends_that_are_no_answer() {
    for (child, how) in [
        ("cat >/dev/null", "exit status: 0"),
        ("printf X", "exit status: 0"),
        ("printf Chalf; exit 3", "exit status: 3"),
        ("printf Chalf; kill -ABRT $$", "signal: 6 (SIGABRT)"),
    ] {
        match script(child).compile(&[7; 1_000_000], LIMITS).await {
            Err(CompileError::Died { how: got, .. }) => assert!(got.starts_with(how), "{got}"),
            other => panic!("{child}: {other:?}"),
        }
    }
    assert_eq!(
        script("printf 'Rno\\nreason'")
            .compile(b"", LIMITS)
            .await
            .unwrap_err(),
        CompileError::Refused("no\\nreason".to_owned())
    );
    assert_eq!(
        script("kill -XCPU $$")
            .compile(b"", LIMITS)
            .await
            .unwrap_err(),
        CompileError::Cpu { seconds: 60 }
    );
    assert!(matches!(
        Compiler::with_command("/nowhere".into(), vec![])
            .compile(b"", LIMITS)
            .await,
        Err(CompileError::NotStarted(_))
    ));
}

#[test]
fn of_a_panic_the_reason_is_told() {
    let panicked = "\nthread 'main' (7) panicked at /home/x/.cargo/rayon.rs:1:2:\nno threads\nnote: run with\n";
    assert_eq!(last_words(panicked), "no threads");
    assert_eq!(last_words(" out of memory \nmore\n"), "out of memory");
    assert_eq!(last_words("thread "), "thread");
    assert_eq!(last_words("\n"), "it said nothing");
}

#[tokio::test]
async fn what_the_child_writes_is_bounded() {
    let small = Limits {
        artifact: 5,
        ..LIMITS
    };
    assert_eq!(
        script("printf C12345")
            .compile(b"", small)
            .await
            .unwrap()
            .bytes()
            .unwrap(),
        b"12345"
    );
    assert_eq!(
        script("printf C; while :; do printf 0123456789 || exit; done")
            .compile(b"", small)
            .await
            .unwrap_err(),
        CompileError::Artifact { limit: 5 }
    );
    let flood = script("i=0; while [ $i -lt 20000 ]; do printf loud >&2; i=$((i+1)); done; exit 9");
    match flood.compile(b"", LIMITS).await.unwrap_err() {
        CompileError::Died { said, .. } => {
            assert!(
                said.starts_with("loudloud") && said.len() < 2 * STDERR_LIMIT,
                "{said}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_clock_ends_a_child_that_waits() {
    let limits = Limits {
        wall: Duration::from_millis(50),
        ..LIMITS
    };
    assert_eq!(
        script("exec sleep 1000")
            .compile(b"", limits)
            .await
            .unwrap_err(),
        CompileError::Wall { limit: limits.wall }
    );
}
