//! The integration tests, one binary. What a chapter is about is its name; chapters with real builds or chroots are
//! called `slow_*`, and `tests/run` runs them last.

// What chapters stand on.
mod faults;
mod fixture;
mod harness;
mod publishing;
mod refused;
mod rig;
mod seaweed;

// Chapters.
mod archives;
mod boards;
mod bad_index;
mod bad_input;
mod bad_machine;
mod bad_mirror;
mod bad_state;
mod fixture_works;
mod follow;
mod harness_works;
mod hostile_uploads;
mod looking;
mod objects;
mod outdated;
mod plans;
mod packages_behave;
mod people;
mod publish_to_a_bucket;
mod recipe_tools;
mod simulation;
mod s3_archive;
mod slow_armel;
mod slow_boards;
mod slow_chroot;
mod slow_cloud;
mod slow_compare;
mod slow_cross;
mod slow_flags;
mod slow_follow;
mod slow_hooks;
mod slow_machine;
mod slow_oem;
mod slow_order;
mod slow_outcomes;
mod slow_overlay;
mod slow_recipes;
mod slow_refusals;
mod slow_resume;
mod slow_s3;
mod slow_stages;
mod slow_verdicts;
mod slow_verify;
mod tears_s3;
mod third_parties;
mod tidy;
