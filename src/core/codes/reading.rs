//! What is said at length of errors that are found when a recipe is read.

use super::Code;
use super::Example::{Command, Part, Recipe};
use super::{Example, Explained};

const fn of(code: Code, means: &'static str, wrong: Example, right: Example) -> (Code, Explained) {
    (code, Explained { means, wrong, right })
}

/// A recipe that is right, for what is wrong about another file or about nothing else.
const HELLO: Example = Recipe("return require(\"cloudbuild\").campaign \"x\" { packages = { \"hello\" } }");

/// The codes from E0101 to E0305.
pub const EXPLAINED: &[(Code, Explained)] = &[
    of(
        Code::Unreadable,
        "The recipe's path names nothing that can be read: there is no such file, it is a directory or a\n\
         device, or you may not read it.",
        Command("cloudbuild recipes/"),
        Command("cloudbuild recipes/hello.lua"),
    ),
    of(
        Code::NotText,
        "A recipe is Lua source, saved as UTF-8, and at most 1 MiB long. Compiled Lua (bytecode) is never\n\
         run, since it can do what source cannot.",
        Recipe("\u{1}LuaR"),
        HELLO,
    ),
    of(
        Code::Syntax,
        "Lua cannot make sense of the text. The mistake is on the line that is named, or at the end of the\n\
         one before it: a comma between options, or the end of a `{`, `(` or `function`, is missing.",
        Recipe("return require(\"cloudbuild\").campaign \"x\" {\n  arch = \"amd64\"\n  packages = { \"hello\" },\n}"),
        Recipe("return require(\"cloudbuild\").campaign \"x\" {\n  arch = \"amd64\",\n  packages = { \"hello\" },\n}"),
    ),
    of(
        Code::NoRecipe,
        "A recipe's file ends with `return` and a recipe: what `cb.campaign \"name\" { ... }` or\n\
         `cb.recipe { run = ... }` gives. Reading the file has no effects, so without that nothing is done.",
        Recipe("local cb = require \"cloudbuild\"\ncb.campaign \"x\" { packages = { \"hello\" } }"),
        Recipe("local cb = require \"cloudbuild\"\nreturn cb.campaign \"x\" { packages = { \"hello\" } }"),
    ),
    of(
        Code::Require,
        "`require` takes \"cloudbuild\", or the name of a `.lua` file of the recipe's own folder, without the\n\
         ending. It reads no other folder and follows no link out of it, and it reads while the file is\n\
         loaded, not while `run` runs, so that the recipe's hash covers all of it.",
        Recipe("local names = require \"../names\"\nreturn names"),
        Part("local names = require \"names\"      -- names.lua, beside the recipe"),
    ),
    of(
        Code::RequireLoop,
        "A file requires another one that, directly or not, requires the first. Neither could ever be read\n\
         to its end. Put what both need into a file of its own.",
        Part("-- a.lua\nreturn require \"b\"\n-- b.lua\nreturn require \"a\""),
        Part("-- a.lua\nreturn require \"shared\"\n-- b.lua\nreturn require \"shared\""),
    ),
    of(
        Code::RequireNothing,
        "A required file gives what it returns to who requires it, and this one returns nothing.",
        Part("-- names.lua\nlocal names = { \"hello\" }"),
        Part("-- names.lua\nlocal names = { \"hello\" }\nreturn names"),
    ),
    of(
        Code::Value,
        "An option or an argument of a call has another type than its declaration says, or a value that is\n\
         out of its range. `cloudbuild api NAME` shows what each call takes.",
        Recipe("return require(\"cloudbuild\").campaign \"x\" { packages = \"hello\" }"),
        HELLO,
    ),
    of(
        Code::UnknownOption,
        "The tables of calls are read strictly: a key that is not declared is an error, so that a slip of\n\
         the finger never means \"as if it was not there\". `cloudbuild api NAME` shows what each call takes.",
        Recipe("return require(\"cloudbuild\").campaign \"x\" { pakages = { \"hello\" } }"),
        HELLO,
    ),
    of(
        Code::MissingOption,
        "An option that has no default was left out. `cloudbuild api NAME` shows what each call takes, and\n\
         what is taken where an option is left out.",
        Recipe("return require(\"cloudbuild\").campaign \"x\" {}"),
        HELLO,
    ),
    of(
        Code::UnknownName,
        "`cb` and the values that it hands out have the names that `cloudbuild api` lists, and reading any\n\
         other one is an error instead of nil.",
        Recipe("local cb = require \"cloudbuild\"\nreturn cb.campain \"x\" { packages = { \"hello\" } }"),
        Recipe("local cb = require \"cloudbuild\"\nreturn cb.campaign \"x\" { packages = { \"hello\" } }"),
    ),
    of(
        Code::WrongCall,
        "All calls have one grammar: `cb.kind { options }`, or `cb.kind \"name\" { options }`, with a dot and\n\
         one table.",
        Recipe("local cb = require \"cloudbuild\"\nreturn cb:campaign(\"x\", { packages = { \"hello\" } })"),
        Recipe("local cb = require \"cloudbuild\"\nreturn cb.campaign \"x\" { packages = { \"hello\" } }"),
    ),
    of(
        Code::Twice,
        "A name stands twice in a list, or a build twice in what is published. It would be done once all the\n\
         same, so one of the two is most likely meant to be another one.",
        Recipe("return require(\"cloudbuild\").campaign \"x\" { packages = { \"hello\", \"hello\" } }"),
        Recipe("return require(\"cloudbuild\").campaign \"x\" { packages = { \"hello\", \"sed\" } }"),
    ),
    of(
        Code::TooMany,
        "A list, a table of variables or the number of values of `cb` is longer than any recipe needs. This\n\
         bounds what a recipe can make the control point keep. Look for a loop that makes them.",
        Recipe("local cb = require \"cloudbuild\"\nwhile true do cb.here() end"),
        Recipe("local cb = require \"cloudbuild\"\nreturn cb.campaign \"x\" { packages = cb.everything {} }"),
    ),
    of(
        Code::NotPlain,
        "What `run` returns is stored and printed, so it is made of plain values: strings, finite numbers,\n\
         booleans, values of `cb`, and tables of them that do not contain themselves.",
        Recipe("return require(\"cloudbuild\").recipe { run = function() return { print } end }"),
        Recipe("return require(\"cloudbuild\").recipe { run = function() return { \"print\" } end }"),
    ),
    of(
        Code::Undefined,
        "A name is used that is neither a local variable nor one of Lua's own. It may be a slip of the\n\
         finger, a text without its quotes, or the line that declares it is missing.",
        Recipe("return cb.campaign \"x\" { packages = { hello } }"),
        Recipe("local cb = require \"cloudbuild\"\nreturn cb.campaign \"x\" { packages = { \"hello\" } }"),
    ),
    of(
        Code::Assigned,
        "Globals are closed: a recipe has only the variables that it declares with `local`, so that no\n\
         file changes what another one sees, and a slip of the finger is an error.",
        Recipe("count = 2\nreturn require(\"cloudbuild\").campaign \"x\" { packages = { \"hello\" } }"),
        Recipe("local count = 2\nreturn require(\"cloudbuild\").campaign \"x\" { packages = { \"hello\" } }"),
    ),
    of(
        Code::Absent,
        "A recipe runs in a sandbox: it has no clock, files, environment, network, commands or coroutines.\n\
         That makes it safe to run one of somebody else's, and lets a run that was killed be run again from\n\
         the top with the same steps. What differs from run to run is given as an argument.",
        Recipe("return require(\"cloudbuild\").recipe { run = function() return os.time() end }"),
        Recipe(
            "return require(\"cloudbuild\").recipe {\n  args = { day = { \"string\", default = \"today\" } },\n  \
             run = function(cb, args) return args.day end,\n}",
        ),
    ),
    of(
        Code::ReadOnly,
        "The values of `cb`, and the libraries, cannot be changed: what was checked stays what it was. Make\n\
         a new value with the other options.",
        Recipe("local out = require(\"cloudbuild\").dir \"out\"\nout.path = \"other\"\nreturn out"),
        Recipe(
            "local cb = require \"cloudbuild\"\nlocal out = cb.dir \"other\"\n\
             return cb.campaign \"x\" { packages = { \"hello\" }, publish = out }",
        ),
    ),
    of(
        Code::NotActing,
        "Reading a recipe's file has no effects, so primitives (`import`, `order`, `build` and so on) can only\n\
         be called by the function that is given as `run`.",
        Recipe("local cb = require \"cloudbuild\"\nlocal all = cb.import()\nreturn cb.recipe { run = print }"),
        Recipe(
            "local cb = require \"cloudbuild\"\n\
             return cb.recipe { run = function(cb) local all = cb.import() return all.sources end }",
        ),
    ),
];
