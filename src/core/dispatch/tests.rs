use super::*;

fn place() -> Place {
    Place { max: 4, slots: 2, idle: 60, max_lifetime: 7200, is_capped: false, price: Money(100), pools: pools() }
}

fn pools() -> Vec<PoolSize> {
    let pool = |kind: &str, price| PoolSize { instance_type: kind.to_owned(), price: Money(price) };
    vec![pool("m5.large", 100), pool("m5.xlarge", 200)]
}

fn limits() -> Limits {
    Limits { places: vec![place()], left: None, is_open: true, elsewhere: 0, sizes: Sizes::new() }
}

fn builder(name: &str) -> Builder {
    Builder {
        name: name.to_owned(),
        place: 0,
        state: BuilderState::Joined,
        seen: Seen::Alive,
        cloud_says: None,
        age: 100,
        jobs: 1,
        idle: 0,
        silent: 0,
        price: Money(100),
        instance_type: "m5.large".to_owned(),
    }
}

/// What is decided, a line each.
fn check(fleet: &[Builder], queue: Queue, limits: &Limits) -> Vec<String> {
    decide(fleet, queue, limits).iter().map(Action::to_string).collect()
}

fn ready(ready: u32) -> Queue {
    Queue { ready, ..Queue::default() }
}

#[test]
fn as_many_are_launched_as_jobs_can_run_at_once_and_no_more_than_the_place_gives() {
    let launch = "launch in place 1";
    assert_eq!(check(&[], ready(0), &limits()), [""; 0]);
    assert_eq!(check(&[], ready(3), &limits()), [launch; 2]);
    assert_eq!(check(&[], ready(100), &limits()), [launch; 4]);
    let queue = Queue { ready: 1, building: 2, waiting: 50, ..Queue::default() };
    assert_eq!(check(&[builder("a")], queue, &limits()), [launch; 1]);
    let elsewhere = Limits { elsewhere: 2, ..limits() };
    assert_eq!(check(&[], ready(3), &elsewhere), [launch; 1]);
}

#[test]
fn the_next_place_is_used_when_the_first_gives_no_more() {
    let capped = Place { is_capped: true, ..place() };
    let two = Limits { places: vec![capped, place()], ..limits() };
    assert_eq!(check(&[], ready(2), &two), ["launch in place 2"]);
    let small = Limits { places: vec![Place { max: 1, ..place() }, place()], ..limits() };
    assert_eq!(check(&[], ready(4), &small), ["launch in place 1", "launch in place 2"]);
}

#[test]
fn nothing_is_launched_when_no_work_is_leased() {
    assert_eq!(check(&[], ready(9), &Limits { is_open: false, ..limits() }), [""; 0]);
}

#[test]
fn a_launch_leaves_an_hour_of_the_whole_fleet_in_the_budget() {
    let poor = |left| Limits { left: Some(Money(left)), ..limits() };
    assert_eq!(check(&[], ready(8), &poor(250)).len(), 2);
    assert_eq!(check(&[builder("a")], ready(8), &poor(250)).len(), 1);
    assert_eq!(check(&[builder("a"), builder("b")], ready(8), &poor(250)).len(), 0);
}

#[test]
fn all_end_when_the_budget_is_spent() {
    let spent = Limits { left: Some(Money(0)), ..limits() };
    assert_eq!(check(&[builder("a")], ready(8), &spent), ["end a: the budget is spent"]);
}

#[test]
fn one_that_has_nothing_to_do_ends_and_one_that_builds_does_not() {
    let idle = Builder { jobs: 0, idle: 61, ..builder("a") };
    assert_eq!(check(std::slice::from_ref(&idle), ready(0), &limits()), ["end a: it had nothing to do for 61 s"]);
    assert_eq!(check(&[Builder { jobs: 1, ..idle }], ready(0), &limits()), [""; 0]);
}

#[test]
fn one_that_never_boots_or_hangs_or_is_too_old_ends_and_is_replaced() {
    let one = Limits { places: vec![Place { max: 1, ..place() }], ..limits() };
    let boots = Builder { state: BuilderState::Launched, jobs: 0, age: 599, idle: 599, silent: 599, ..builder("a") };
    assert_eq!(check(std::slice::from_ref(&boots), ready(1), &one), [""; 0]);
    let never = Builder { age: 601, ..boots };
    let said = check(&[never], ready(1), &one);
    assert_eq!(said, ["end a: nothing was heard of it within 600 s of its launch", "launch in place 1"]);
    let hangs = Builder { jobs: 0, silent: 121, ..builder("a") };
    assert_eq!(check(&[hangs], ready(1), &one)[0], "end a: nothing was heard of it for 121 s");
    let old = Builder { age: 7201, ..builder("a") };
    assert_eq!(check(&[old], ready(1), &one)[0], "end a: its lifetime of 7200 s is over");
}

#[test]
fn what_the_cloud_ended_is_written_down_in_the_clouds_words() {
    let says = Some("Server.SpotInstanceTermination".to_owned());
    let ended = Builder { seen: Seen::Ended, cloud_says: says, ..builder("a") };
    assert_eq!(check(&[ended], ready(0), &limits()), ["a is gone: Server.SpotInstanceTermination"]);
}

#[test]
fn one_that_shut_itself_down_is_ended_since_a_stopped_disk_costs() {
    let stopped = Builder { seen: Seen::Stopped, ..builder("a") };
    assert!(check(&[stopped], ready(0), &limits())[0].starts_with("end a: it shut itself down"));
}

#[test]
fn what_the_cloud_does_not_show_is_there_for_five_minutes_all_the_same() {
    for state in [BuilderState::Launched, BuilderState::Joined] {
        let hidden = Builder { state, seen: Seen::Absent, age: 299, ..builder("a") };
        assert_eq!(check(std::slice::from_ref(&hidden), ready(0), &limits()), [""; 0]);
        let lost = Builder { age: 301, ..hidden };
        assert_eq!(check(&[lost], ready(0), &limits()), ["a is gone: the cloud does not know it any more"]);
    }
    let ending = Builder { state: BuilderState::Ending, seen: Seen::Absent, age: 10, ..builder("a") };
    assert_eq!(check(&[ending], ready(0), &limits()), ["terminate a"]);
}

#[test]
fn nothing_follows_from_a_cloud_that_does_not_answer() {
    let unknown = Builder { seen: Seen::Unknown, age: 5000, ..builder("a") };
    assert_eq!(check(&[unknown], ready(0), &limits()), [""; 0]);
}

const GB: u64 = 1 << 30;

/// One job for which 8 GB are too little, which is what an `m5.large` has.
fn outgrown(fleet: &[Builder], limits: &Limits) -> Vec<String> {
    let sizes = Sizes::from([("m5.large".to_owned(), 8 * GB)]);
    check(fleet, Queue { larger: vec![8 * GB], ..Queue::default() }, &Limits { sizes, ..limits.clone() })
}

#[test]
fn a_job_that_found_its_machine_too_small_gets_a_larger_one() {
    assert_eq!(outgrown(&[builder("a")], &limits()), ["launch in place 1, pool 2"]);
    let large = Builder { instance_type: "m5.xlarge".to_owned(), ..builder("b") };
    assert_eq!(outgrown(&[builder("a"), large], &limits()), [""; 0]);
    let small = Place { pools: pools()[..1].to_vec(), ..place() };
    assert_eq!(outgrown(&[builder("a")], &Limits { places: vec![small], ..limits() }), [""; 0]);
}

#[test]
fn a_small_one_without_work_makes_room_for_a_larger_one() {
    let full = Limits { places: vec![Place { max: 1, ..place() }], ..limits() };
    assert_eq!(outgrown(&[builder("a")], &full), [""; 0], "it builds");
    let said = "end a: a job needs a larger machine, and there may be no more of them";
    assert_eq!(outgrown(&[Builder { jobs: 0, ..builder("a") }], &full), [said]);
}

#[test]
fn a_larger_one_is_launched_within_the_budget_and_counts_for_the_others() {
    let with = |left| Limits { left: Some(Money(left)), ..limits() };
    assert_eq!(outgrown(&[builder("a")], &with(299)), [""; 0]);
    assert_eq!(outgrown(&[builder("a")], &with(300)), ["launch in place 1, pool 2"]);
    let sizes = Sizes::from([("m5.large".to_owned(), 8 * GB)]);
    let queue = Queue { ready: 9, larger: vec![8 * GB], ..Queue::default() };
    let said = check(&[], queue, &Limits { sizes, ..with(400) });
    assert_eq!(said, ["launch in place 1", "launch in place 1", "launch in place 1, pool 2"]);
}
