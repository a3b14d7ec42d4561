//! Every move of the life of a job, legal and illegal.

use super::*;

fn failed(fault: Fault, attempt: u32) -> JobEvent {
    JobEvent::Failed { fault, stage: "build".to_owned(), reason: "no".to_owned(), attempt, seconds: 1 }
}

/// One of each event, those that depend on the attempt or the fault several times, with a name for the table.
fn events() -> Vec<(&'static str, JobEvent)> {
    let reason = String::new;
    vec![
        ("leased", JobEvent::Leased { builder: "b".to_owned(), epoch: Epoch(1) }),
        ("resumed", JobEvent::Resumed { builder: "b".to_owned(), epoch: Epoch(1) }),
        ("built", JobEvent::Built { seconds: 1 }),
        ("uploaded", JobEvent::Uploaded),
        ("installed", JobEvent::Installed),
        ("reused", JobEvent::Reused { from: JobId(1) }),
        ("adopted", JobEvent::Adopted),
        ("failed package", failed(Fault::Package, 1)),
        ("failed unknown", failed(Fault::Unknown, 1)),
        ("failed infrastructure 3", failed(Fault::Infrastructure, 3)),
        ("failed infrastructure 4", failed(Fault::Infrastructure, 4)),
        ("lease-expired 3", JobEvent::LeaseExpired { attempt: 3 }),
        ("lease-expired 4", JobEvent::LeaseExpired { attempt: 4 }),
        ("quarantined", JobEvent::Quarantined { reason: reason() }),
        ("prioritized", JobEvent::Prioritized { priority: 5 }),
        ("gave-back", JobEvent::GaveBack { reason: reason() }),
        ("waits", JobEvent::Waits { reason: reason() }),
        ("uninstallable", JobEvent::Uninstallable { reason: reason() }),
        ("dependencies-met", JobEvent::DependenciesMet),
        ("retried", JobEvent::Retried),
        ("sent-back", JobEvent::SentBack { retry: Retry::default(), place: "x.lua:3".to_owned() }),
        ("marked-failed", JobEvent::MarkedFailed { reason: reason() }),
        ("marked-not-for-us", JobEvent::MarkedNotForUs { reason: reason() }),
        ("left-out", JobEvent::LeftOut { reason: reason() }),
    ]
}

#[test]
fn all_legal_moves_are_these_and_every_other_is_refused() {
    let mut table = String::new();
    for state in JobState::ALL {
        for (name, event) in events() {
            match step(state, &event) {
                Ok(next) => table.push_str(&format!("{state:<17}{name:<25}{next}\n")),
                Err(refused) => assert_eq!((refused.state, refused.event), (state, event.text())),
            }
        }
    }
    insta::assert_snapshot!(table, @r"
    needs-build      leased                   building
    needs-build      resumed                  building
    needs-build      built                    built
    needs-build      reused                   installed
    needs-build      adopted                  installed
    needs-build      failed package           build-attempted
    needs-build      failed unknown           build-attempted
    needs-build      failed infrastructure 3  needs-build
    needs-build      failed infrastructure 4  build-attempted
    needs-build      prioritized              needs-build
    needs-build      gave-back                needs-build
    needs-build      waits                    dep-wait
    needs-build      uninstallable            bd-uninstallable
    needs-build      marked-failed            failed
    needs-build      marked-not-for-us        not-for-us
    needs-build      left-out                 auto-not-for-us
    building         built                    built
    building         failed package           build-attempted
    building         failed unknown           build-attempted
    building         failed infrastructure 3  needs-build
    building         failed infrastructure 4  build-attempted
    building         lease-expired 3          needs-build
    building         lease-expired 4          build-attempted
    building         quarantined              build-attempted
    building         prioritized              building
    building         gave-back                needs-build
    building         marked-failed            failed
    building         marked-not-for-us        not-for-us
    building         left-out                 auto-not-for-us
    built            uploaded                 uploaded
    built            prioritized              built
    uploaded         installed                installed
    uploaded         prioritized              uploaded
    dep-wait         built                    built
    dep-wait         failed package           dep-wait
    dep-wait         failed unknown           dep-wait
    dep-wait         failed infrastructure 3  dep-wait
    dep-wait         failed infrastructure 4  dep-wait
    dep-wait         prioritized              dep-wait
    dep-wait         gave-back                dep-wait
    dep-wait         uninstallable            bd-uninstallable
    dep-wait         dependencies-met         needs-build
    dep-wait         retried                  needs-build
    dep-wait         marked-failed            failed
    dep-wait         marked-not-for-us        not-for-us
    bd-uninstallable built                    built
    bd-uninstallable failed package           bd-uninstallable
    bd-uninstallable failed unknown           bd-uninstallable
    bd-uninstallable failed infrastructure 3  bd-uninstallable
    bd-uninstallable failed infrastructure 4  bd-uninstallable
    bd-uninstallable gave-back                bd-uninstallable
    bd-uninstallable waits                    dep-wait
    bd-uninstallable dependencies-met         needs-build
    bd-uninstallable retried                  needs-build
    bd-uninstallable marked-failed            failed
    bd-uninstallable marked-not-for-us        not-for-us
    build-attempted  built                    built
    build-attempted  failed package           build-attempted
    build-attempted  failed unknown           build-attempted
    build-attempted  failed infrastructure 3  build-attempted
    build-attempted  failed infrastructure 4  build-attempted
    build-attempted  gave-back                build-attempted
    build-attempted  retried                  needs-build
    build-attempted  sent-back                needs-build
    build-attempted  marked-failed            failed
    build-attempted  marked-not-for-us        not-for-us
    failed           retried                  needs-build
    failed           marked-not-for-us        not-for-us
    not-for-us       retried                  needs-build
    auto-not-for-us  marked-not-for-us        not-for-us
    ");
}

#[test]
fn infrastructure_faults_are_tried_again_three_times_and_package_faults_never() {
    let attempts = |fault| {
        (1..10)
            .take_while(move |attempt| step(JobState::Building, &failed(fault, *attempt)) == Ok(JobState::NeedsBuild))
    };
    assert_eq!(attempts(Fault::Infrastructure).count(), 3);
    assert_eq!(attempts(Fault::Package).count(), 0);
    assert_eq!(attempts(Fault::Unknown).count(), 0);
}

#[test]
fn nothing_ends_in_a_state_that_no_builder_and_no_person_can_leave_except_installed() {
    for state in JobState::ALL {
        let left = events().iter().any(|(_, event)| step(state, event).is_ok_and(|next| next != state));
        assert_eq!(left, state != JobState::Installed, "{state}");
    }
}

#[test]
fn a_state_has_one_text_form_for_sql_json_and_people() {
    for state in JobState::ALL {
        assert_eq!(state.to_string().parse(), Ok(state));
        let json = serde_json::to_string(&state).unwrap();
        assert_eq!(json, format!("\"{state}\""));
        assert_eq!(serde_json::from_str::<JobState>(&json).unwrap(), state);
    }
    assert!("Needs-Build".parse::<JobState>().is_err());
}

#[test]
fn events_survive_being_rows() {
    for (_, event) in events() {
        let json = serde_json::to_string(&event).unwrap();
        assert!(json.contains(&format!("\"event\":\"{}\"", event.text())), "{json}");
        assert_eq!(serde_json::from_str::<JobEvent>(&json).unwrap(), event);
    }
}
