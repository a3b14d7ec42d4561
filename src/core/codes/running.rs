//! What is said at length of errors that are found when a recipe runs, or is started.

use super::Code;
use super::Example::{Command, Part, Recipe};
use super::{Example, Explained};

const fn of(code: Code, means: &'static str, wrong: Example, right: Example) -> (Code, Explained) {
    (code, Explained { means, wrong, right })
}

/// The codes from E0401 on.
pub const EXPLAINED: &[(Code, Explained)] = &[
    of(
        Code::Budget,
        "A recipe may make a bounded number of calls and turns of loops while it is read, and again while it\n\
         runs; counted, not timed, so it is the same on every machine. This one did not end before that.",
        Recipe("local n = 1\nwhile n > 0 do n = n + 1 end"),
        Recipe("local n = 1\nwhile n < 100 do n = n + 1 end\nreturn require(\"cloudbuild\").recipe { run = print }"),
    ),
    of(
        Code::WallTime,
        "Nearly everything that a recipe does is counted, and ends by that. What is left, such as work on very\n\
         long lists and strings, is stopped by time. Work on fewer things at once.",
        Part("for at = 1, 1000000 do table.insert(list, 1, at) end      -- moves the whole list each time"),
        Part("for at = 1, 1000000 do list[at] = at end"),
    ),
    of(
        Code::Memory,
        "A recipe may use a bounded amount of memory. It describes what to build; look for strings or tables\n\
         that grow without an end.",
        Recipe("local text = \"x\"\nwhile true do text = text .. text end"),
        Recipe("local text = (\"x\"):rep(1000)\nreturn require(\"cloudbuild\").recipe { run = print, about = text }"),
    ),
    of(
        Code::Printed,
        "What a recipe prints is shown to people beside what the run says, so it is bounded. Return what is\n\
         long, and it is in the run's result.",
        Recipe("for at = 1, 1000 do print((\"x\"):rep(1000)) end"),
        Recipe("print(\"1000 lines\")\nreturn require(\"cloudbuild\").recipe { run = print }"),
    ),
    of(
        Code::Depth,
        "Functions call functions, or metamethods, deeper than Lua's stack goes: mostly a function that calls\n\
         itself and never stops.",
        Recipe("local function again(n) return 1 + again(n + 1) end\nreturn again(1)"),
        Recipe(
            "local function again(n) if n > 9 then return n end return 1 + again(n + 1) end\n\
             return require(\"cloudbuild\").recipe { run = function() return again(1) end }",
        ),
    ),
    of(
        Code::Runtime,
        "Lua could not do what a line of the recipe says (it took a field of nil, added a table, ...), or the\n\
         recipe raised an error of its own with `error` or `assert`. The lines below the message led there.",
        Recipe("local packages = nil\nreturn packages.first"),
        Recipe(
            "local packages = { first = \"hello\" }\n\
             return require(\"cloudbuild\").campaign \"x\" { packages = { packages.first } }",
        ),
    ),
    of(
        Code::RaisedNoText,
        "`error` was called with something that is no text, so nobody can be told what is wrong.",
        Recipe("error({ reason = \"no packages\" })"),
        Recipe(
            "local packages = { \"hello\" }\nif #packages == 0 then error(\"no packages\") end\n\
             return require(\"cloudbuild\").campaign \"x\" { packages = packages }",
        ),
    ),
    of(
        Code::UnknownArgument,
        "What stands after the recipe on the command line is the recipe's own, and it declares no argument of\n\
         this name. `cloudbuild RECIPE --help` lists those that it takes.",
        Command("cloudbuild users.lua --pakage zlib"),
        Command("cloudbuild users.lua --package zlib"),
    ),
    of(
        Code::MissingArgument,
        "The recipe declares an argument that has no default, and it was not given. `cloudbuild RECIPE --help`\n\
         lists the arguments that it takes.",
        Command("cloudbuild users.lua"),
        Command("cloudbuild users.lua --package zlib"),
    ),
    of(
        Code::ArgumentValue,
        "An argument of the recipe is not of the type that the recipe declares. Lists are given with commas\n\
         between, or once for each entry; booleans as `true` or `false`, or as a switch without a value.",
        Command("cloudbuild users.lua --most many"),
        Command("cloudbuild users.lua --most 20"),
    ),
    of(
        Code::ReservedArgument,
        "A recipe's arguments are given as flags, beside those of cloudbuild itself, so they need other names.",
        Part("args = { slots = \"integer\" }"),
        Part("args = { builders = \"integer\" }"),
    ),
    of(
        Code::Selection,
        "The imported suites do not have what the recipe selects: no source package of that name, another\n\
         version, or nothing that says what the base system is. `cloudbuild import` shows what there is.",
        Part("packages = { \"zlib1g\" }        -- a binary package"),
        Part("packages = { \"zlib\" }          -- the source package that builds it"),
    ),
    of(
        Code::Refused,
        "A primitive was asked for something that cannot be, or that makes no sense together. The message says\n\
         what was expected and what came.",
        Part("cb.build { order = order, against = other_import, on = fleet }"),
        Part("cb.build { order = order, against = import, on = fleet }    -- the import that the order is over"),
    ),
    of(
        Code::Publish,
        "The archive cannot be written like that: the directory has files that are not cloudbuild's, or a pool\n\
         file of this name is there with other bytes. Pool files are never replaced, since somebody may be\n\
         fetching one.",
        Part("publish = cb.dir \"/srv\"            -- where other things are"),
        Part("publish = cb.dir \"/srv/rebuilt\"    -- a directory of its own"),
    ),
    of(
        Code::Edited,
        "A run is unfinished, and one of the recipe's files, or its arguments, are not what they were when it\n\
         began. The journal answers what was asked then, so going on could mix two recipes. The diff shows\n\
         what was edited. Take the edit back and start again to go on; or choose one of the two below.",
        Command("cloudbuild recipe.lua"),
        Command(
            "cloudbuild recipe.lua --adopt      # keep what the edited recipe asks for again\n\
             cloudbuild recipe.lua --restart    # begin anew; results with the same inputs are taken over",
        ),
    ),
    of(
        Code::Diverged,
        "The recipe is the one that the run began with, and yet a call differs from the one in the journal.\n\
         That happens when cloudbuild itself was replaced in between, with another stdlib.",
        Command("cloudbuild recipe.lua"),
        Command("cloudbuild recipe.lua --adopt"),
    ),
    of(
        Code::PlanMoved,
        "`run --plan FILE` does exactly what was planned, and the recipe is not the one any more that the plan\n\
         was made of. The diff shows what was edited. Plan again, look at the new plan, and run that.",
        Command("cloudbuild run --plan plan.json"),
        Command("cloudbuild plan recipe.lua -o plan.json && cloudbuild run --plan plan.json"),
    ),
    of(
        Code::Stdlib,
        "A module of stdlib gives something else than its declaration in the program says, or it is missing.\n\
         stdlib ships inside the program, so this concerns who develops it.",
        Part("return function(name, options) end                          -- stdlib/campaign.lua"),
        Part("return function(name, options) return cb.recipe { ... } end"),
    ),
];
