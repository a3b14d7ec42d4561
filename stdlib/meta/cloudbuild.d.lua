---@meta cloudbuild
-- Generated from the declarations in src/lua/api; do not edit.

---@class (exact) cloudbuild.Recipe
---@field kind "recipe"
---@field about string What the recipe is for.

---@class (exact) cloudbuild.AptSources
---@field kind "apt-sources"

---@class (exact) cloudbuild.Overlay
---@field kind "overlay"
---@field path string The file, or the tree's folder.
---@field given string `source-package`, `source-tree` or `binary-package`.
---@field first boolean Whether every other job of a stage comes after it.
---@field suffix string? What is appended to the version of what it builds, if anything.

---@class (exact) cloudbuild.Selection
---@field kind "selection"
---@field of any What it selects, as plain data.

---@class (exact) cloudbuild.Sources
---@field kind "sources"
---@field import string Names the pinned indexes that they are in.
---@field packages any Which of them, as plain data.
---@field build_depend_on fun(self: cloudbuild.Sources, packages: string|string[]): cloudbuild.Sources Those that build-depend on one of these packages.
---@field first fun(self: cloudbuild.Sources, count: integer): cloudbuild.Sources The first ones by name.

---@class (exact) cloudbuild.Stage
---@field kind "stage"
---@field name string Names the stage.
---@field packages string[]|cloudbuild.Selection What it builds.
---@field against (string|cloudbuild.AptSources)[] What it is built against, newest layer first.
---@field optional boolean Whether the run is good without it.

---@class (exact) cloudbuild.Cell
---@field kind "cell"
---@field name string Its name.
---@field flags table What it asks for; empty for a build as the distribution makes it.

---@class (exact) cloudbuild.Toolchain
---@field kind "toolchain"
---@field name string Its name.
---@field cell cloudbuild.Cell What its packages are built with, besides the tools.
---@field overlay cloudbuild.Overlay[]? The tools, and what else is local in this cell.
---@field variant cloudbuild.Variant? The variant that is built, where it is not the campaign's.

---@class (exact) cloudbuild.Variant
---@field kind "variant"
---@field name string Its name.
---@field base string The Debian architecture that it is.
---@field tag string? `Architecture-Variant:` of its packages, if it has one.
---@field index string `partial` or `complete`.
---@field below boolean Whether it runs on older hardware than the base does.
---@field flags table What all of its packages are built with.

---@class (exact) cloudbuild.Builders
---@field kind "builders"
---@field slots integer? Builds at the same time on one machine, where the recipe says.
---@field max integer? Instances at the same time, of a cloud.
---@field provider string? `aws`, `eucalyptus` or `openstack`, of a cloud.

---@class (exact) cloudbuild.How
---@field kind "how"
---@field how string `native`, `cross` or `emulated`.
---@field build string? The architecture that cross builds run on.
---@field cpu string? The processor that the emulator is, if the recipe says.
---@field time_factor integer? How many times longer an emulated build takes.
---@field profiles string[]? Build profiles of cross builds.

---@class (exact) cloudbuild.CrossOnly
---@field kind "cross-only"

---@class (exact) cloudbuild.Directory
---@field kind "directory"
---@field path string The archive's root.
---@field suite string? `Suite:` of the archive, if it was given.
---@field origin string? `Origin:` of the archive, if it was given.
---@field label string? `Label:` of the archive, if it was given.
---@field settings table What else was given.
---@overload fun(options: cloudbuild.options.dir): cloudbuild.Directory

---@class (exact) cloudbuild.Import
---@field kind "import"
---@field import string Names the pinned indexes.
---@field arch string The architecture that binaries were imported for.
---@field sources integer Source packages that can be chosen.
---@field packages integer Binary packages that chroots may see.
---@field build_depend_on fun(self: cloudbuild.Import, packages: string|string[]): cloudbuild.Sources Those that build-depend on one of these packages.
---@field first fun(self: cloudbuild.Import, count: integer): cloudbuild.Sources The first ones by name.

---@class (exact) cloudbuild.Order
---@field kind "order"
---@field import string Names the pinned indexes that the sources are in.
---@field arch string The architecture that the order is for.
---@field count integer How many jobs there are.
---@field jobs table[] Each with source, version, arch, component, after (numbers of jobs), estimate, priority, frees, profiles.
---@field skipped table[] Each with source and reason: what was asked for and is not built.
---@field loops table[] Each with sources that need each other, and edges that close the loop.

---@class (exact) cloudbuild.Fleet
---@field kind "fleet"
---@field builders table[] The groups of builders.

---@class (exact) cloudbuild.Built
---@field kind "built"
---@field stage string The stage that was built.
---@field import string The import that it was built against, below the stages.
---@field arch string The Debian architecture that it was built for.
---@field count integer How many jobs there were.
---@field optional boolean Whether the run is good without what failed in it.
---@field installed integer How many of them have packages that may be published.
---@field cell string? The cell that was built, if it was one of a matrix.
---@field repeat_number integer Which of the same builds it is, from 1.
---@field jobs table[] Each with source, version, arch, state, reused, reason, seconds, overridden and verified.
---@field binaries string[] Names of the binary packages in the stage.

---@class (exact) cloudbuild.Published
---@field kind "published"
---@field generation string This state of the archive.
---@field path string The archive's root.
---@field key string The public key's file.
---@field suite string The archive's suite.
---@field sources integer Source packages in it.
---@field packages integer Binary packages in it.
---@field components string[] Its components.
---@field proof string[] What real apt installed from it, one line a package.
---@field refused string[] What real apt did not install from it, one line a package with the reason.

---@class (exact) cloudbuild.Report
---@field kind "report"
---@field confidence number How sure its intervals have to be.

---@class (exact) cloudbuild.Comparison
---@field kind "comparison"
---@field count integer How many binary packages were compared.
---@field rows table[] Each with stage, package, arch, before, after and identical.
---@field table table? Cells beside the baseline: baseline, cells, packages and failures; none without cells.
---@field pages string[] The pages that were written.

---@class (exact) cloudbuild.Retry
---@field kind "retry"
---@field larger boolean Whether it goes to a larger machine.
---@field parallel integer? Processes at once, if that was given.
---@field alone boolean Whether nothing else is built beside it.
---@field how string? How it is built, if that was given.

---@class (exact) cloudbuild.GiveUp
---@field kind "give-up"

---@class (exact) cloudbuild.Pause
---@field kind "pause"
---@field why string The reason, in words.

---@class (exact) cloudbuild.Skip
---@field kind "skip"
---@field why string The reason, in words.

---@class (exact) cloudbuild.Pattern
---@field kind "pattern"
---@field text string The pattern as it was written.
---@field matches fun(self: cloudbuild.Pattern, text: string): boolean Whether it matches somewhere.
---@field match fun(self: cloudbuild.Pattern, text: string): string? The groups, or the whole without any.
---@field find fun(self: cloudbuild.Pattern, text: string): integer?, integer? Where it matches: from, to.
---@field captures fun(self: cloudbuild.Pattern, text: string): table? The whole at 0, groups by number and by name.

---@class (exact) cloudbuild.options.campaign
---@field about? string What it is for, in a few words. Default: what it builds and publishes.
---@field sources? cloudbuild.AptSources Where packages come from. Default: cb.apt.system().
---@field packages? string[]|cloudbuild.Selection Source packages by name or `name=version`, or a selection. Default: what `stages` say.
---@field stages? cloudbuild.Stage|(cloudbuild.Stage)[] Passes, each with packages of its own. Default: one, `first`.
---@field not_for_us? string[] Source packages that are left out, by name. Default: {}.
---@field arch? string|cloudbuild.Variant Debian architecture to build for, or a variant of one. Default: the machine's own.
---@field overlay? cloudbuild.Overlay|(cloudbuild.Overlay)[] Local packages that supersede all others. Default: {}.
---@field how? cloudbuild.How|(cloudbuild.How)[] What is tried to build a job. Default: natively, else emulated.
---@field suffix? string What is appended to versions: `+b1`, `~acme1`. Default: none.
---@field maintainer? string Who signs the changelog entry of a suffix: `Name <address>`. Default: cloudbuild's own.
---@field flags? string|cloudbuild.table.flags What all packages are built with. Default: {}.
---@field rules? cloudbuild.table.match_and_set[] What some packages are built with; later wins. Default: {}.
---@field matrix? cloudbuild.table.cells What is compared. Default: one cell, as the distribution builds.
---@field choose_flags? fun(source: table, cell: table): any Flags for one source in a cell. Default: nothing.
---@field choose_how? fun(source: table): any How one source is built. Default: nothing.
---@field classify? fun(log: table, job: table): any Which failure it was, where that is unsure. Default: nothing.
---@field on_failure? fun(job: table, failure: table): any What to do about a failed job. Default: nothing.
---@field on_stage_done? fun(stage: table): any What to do after a stage. Default: nothing.
---@field builders? cloudbuild.Builders|(cloudbuild.Builders)[] Who builds. Default: cb.here().
---@field budget? cloudbuild.table.budget What builders in clouds may cost, all together. Default: none.
---@field mirror? cloudbuild.Directory Where copies of what is built with are kept, near the builders. Default: nowhere.
---@field publish? cloudbuild.Directory Where the archive goes. Default: cb.dir "archive".
---@field environment? table<string, string> Variables for the build environment. Default: {}.
---@field measure? cloudbuild.table.measurements What is measured of what is built. Default: {}.
---@field verify? cloudbuild.table.verifications What is verified of built files. Default: {}.
---@field report? cloudbuild.Report A page that compares cells: `cb.html {}`. Default: none.
---@field prove? boolean Install from the archive with real apt in a clean chroot. Default: true.

---@class (exact) cloudbuild.options.stage
---@field packages string[]|cloudbuild.Selection Source packages by name or `name=version`, or a selection.
---@field against? string|cloudbuild.AptSources|cloudbuild.CrossOnly|(string|cloudbuild.AptSources|cloudbuild.CrossOnly)[] Whose binaries it is built against, newest first: earlier stages by name, and APT sources. Default: the campaign's sources.
---@field optional? boolean The run is good without what fails in it. Default: false.

---@class (exact) cloudbuild.options.toolchain
---@field overlay? cloudbuild.Overlay|(cloudbuild.Overlay)[] Local packages of this cell: its compiler. Default: {}.
---@field flags? cloudbuild.table.flags What its packages are built with, as in `cb.cell`. Default: {}.
---@field variant? cloudbuild.Variant The variant that is built. Default: the campaign's.

---@class (exact) cloudbuild.options.recipe
---@field run fun(cb: cloudbuild, args: table): any Called with `cb` and the arguments when the recipe runs.
---@field name? string Names the run. Default: the file's name without `.lua`.
---@field about? string What the recipe is for, in a few words. Default: nothing.
---@field hooks? { choose_flags?: fun(source: table, cell: table): any, choose_how?: fun(source: table): any, classify?: fun(log: table, job: table): any, on_failure?: fun(job: table, failure: table): any, on_stage_done?: fun(stage: table): any } Functions that decide later, on read-only tables. Default: {}.
---@field args? table<string, string|table> The arguments that it takes: a type, or a table with more. Default: {}.

---@class (exact) cloudbuild.options.apt.system
---@field also? string[] Third-party entries that builds may see all the same: an Origin, a host, or a file's stem. Default: {}.

---@class (exact) cloudbuild.options.source_package
---@field first? boolean Build it before every other package of a stage, against what is there. Default: false.
---@field suffix? string What is appended to the version of what it builds. Default: the build's.

---@class (exact) cloudbuild.options.source_tree
---@field first? boolean Build it before every other package of a stage, against what is there. Default: false.
---@field suffix? string What is appended to the version of what it builds. Default: the build's.

---@class (exact) cloudbuild.options.everything

---@class (exact) cloudbuild.options.base_system
---@field closure? "runtime"|"build" `build` takes all that is needed to build them, too, until nothing else has to be there. Default: runtime.

---@class (exact) cloudbuild.options.runtime_closure
---@field of string[] Binary packages by name.

---@class (exact) cloudbuild.options.pick
---@field of? string[]|cloudbuild.Selection Only among these. Default: `cb.everything {}`.
---@field name? string|string[] Source package, or a list of them. Default: any.
---@field section? string|string[] Section, such as `libs`, or a list of them. Default: any.
---@field component? string|string[] Component, such as `main`, or a list of them. Default: any.
---@field build_depends_on? string|string[] A binary package that is build-depended on, or a list where one of them is enough. Default: anything.
---@field at_most? integer At most so many. Default: all of them.
---@field seed? integer Decides by chance which ones. Default: the first ones by name.

---@class (exact) cloudbuild.options.cell
---@field cflags? cloudbuild.table.changes_of_flags For all compilers, or those of `languages`. Default: {}.
---@field cxxflags? cloudbuild.table.changes_of_flags For C++ alone, after `cflags`. Default: {}.
---@field objcflags? cloudbuild.table.changes_of_flags For Objective-C alone, after `cflags`. Default: {}.
---@field objcxxflags? cloudbuild.table.changes_of_flags For Objective-C++ alone, after `cflags`. Default: {}.
---@field fflags? cloudbuild.table.changes_of_flags For Fortran alone, after `cflags`. Default: {}.
---@field gcjflags? cloudbuild.table.changes_of_flags For GCJ alone, after `cflags`. Default: {}.
---@field dflags? cloudbuild.table.changes_of_flags For D, which `cflags` do not reach. Default: {}.
---@field asflags? cloudbuild.table.changes_of_flags For the assembler alone, after `cflags`. Default: {}.
---@field cppflags? cloudbuild.table.changes_of_flags For the preprocessor. Default: {}.
---@field ldflags? cloudbuild.table.changes_of_flags For the linker. Default: {}.
---@field languages? string|string[] Languages that `cflags` reach. Default: all of them.
---@field options? string|string[] Words of DEB_BUILD_OPTIONS, such as `optimize=+lto`. Default: {}.
---@field profiles? string|string[] Build profiles. Default: {}.
---@field environment? table<string, string> Other variables for the build environment. Default: {}.

---@class (exact) cloudbuild.options.variant
---@field base string The Debian architecture that it is, and stays.
---@field tag? string `Architecture-Variant:`, and part of the file names. Default: none.
---@field flags? string|cloudbuild.table.flags What all of its packages are built with. Default: {}.
---@field index? "partial"|"complete" `complete` lists packages that were not rebuilt, too. Default: partial.
---@field below? boolean For older hardware: nothing of the base is mixed in. Default: false.

---@class (exact) cloudbuild.options.here
---@field slots? integer Builds at the same time. Default: the setting `slots`.

---@class (exact) cloudbuild.options.dir
---@field suite? string `Suite:` of the archive. Default: the campaign's name.
---@field origin? string `Origin:` of the archive. Default: cloudbuild.
---@field label? string `Label:` of the archive. Default: the campaign's name.
---@field valid_for? string `Valid-Until:`, so long after `Date`: `14 days`. Default: for ever.
---@field not_automatic? boolean `NotAutomatic`: apt takes from it only what is asked for. Default: false.
---@field but_automatic_upgrades? boolean With `not_automatic`: apt upgrades what came from it. Default: false.
---@field zst? boolean Indexes compressed with zstd, besides gzip and xz. Default: false.
---@field pdiffs? boolean Patches, so that apt fetches what changed in an index. Default: false.
---@field fallback? boolean What could not be built is there as the base archive has it. Default: false.
---@field required? string[] Binary packages without which nothing is published. Default: {}.
---@field minimum? integer Fewer binary packages are not published. Default: 1.
---@field installable? boolean Publish only when each package can be installed. Default: false.
---@field no_file_conflicts? boolean Publish only when no two packages install the same file. Default: false.

---@class (exact) cloudbuild.options.s3
---@field endpoint? string URL of the server. Default: AWS_ENDPOINT_URL_S3, or AWS's own.
---@field region? string Region of the bucket. Default: the profile's, or us-east-1.
---@field profile? string Profile of the AWS files with the credentials. Default: AWS_PROFILE.
---@field ca? string Certificates that the server's is trusted by, in PEM. Default: AWS_CA_BUNDLE.
---@field acl? "bucket"|"public-read"|"private" Who may read: what the bucket says, or each object. Default: bucket.
---@field public_url? string Where apt reads the archive, if not at the server. Default: the server's URL.
---@field every? string Also published while a stage is built, so often: `30 min`. Default: never.
---@field suite? string `Suite:` of the archive. Default: the campaign's name.
---@field origin? string `Origin:` of the archive. Default: cloudbuild.
---@field label? string `Label:` of the archive. Default: the campaign's name.
---@field valid_for? string `Valid-Until:`, so long after `Date`: `14 days`. Default: for ever.
---@field not_automatic? boolean `NotAutomatic`: apt takes from it only what is asked for. Default: false.
---@field but_automatic_upgrades? boolean With `not_automatic`: apt upgrades what came from it. Default: false.
---@field zst? boolean Indexes compressed with zstd, besides gzip and xz. Default: false.
---@field pdiffs? boolean Patches, so that apt fetches what changed in an index. Default: false.
---@field fallback? boolean What could not be built is there as the base archive has it. Default: false.
---@field required? string[] Binary packages without which nothing is published. Default: {}.
---@field minimum? integer Fewer binary packages are not published. Default: 1.
---@field installable? boolean Publish only when each package can be installed. Default: false.
---@field no_file_conflicts? boolean Publish only when no two packages install the same file. Default: false.

---@class (exact) cloudbuild.options.ec2
---@field provider? "aws"|"eucalyptus"|"openstack" Decides which parameters are ever sent. Default: aws.
---@field endpoint? string URL of the EC2 API. Default: Amazon's own.
---@field region string The cloud's region.
---@field image string The image that builders boot.
---@field types string|string[] Instance types, the best first.
---@field max integer Instances at the same time.
---@field disk? string Size of the root disk: `120 GB`. Default: the image's.
---@field subnet? string|string[] Subnets, the best first; each is a pool. Default: the account's.
---@field security_group? string|string[] Security groups, by id. Default: the account's.
---@field key_name? string Key pair for a person who wants to log in. Default: none.
---@field market? "on-demand"|"spot" How instances are paid. Default: on-demand.
---@field max_price? string The most for an hour of spot: `0.05 USD`. Default: the on-demand price.
---@field idle? string An instance without work for so long is ended. Default: 5 min.
---@field max_lifetime? string An instance ends after so long, whatever it does. Default: 2 d.
---@field slots? integer Builds at the same time on one instance. Default: 1.
---@field prices? string|string[] What an hour of each type costs: `m5.large = 0.1 USD`. Default: {}.
---@field budget? cloudbuild.table.budget What the builders of a run may cost, in all places. Default: none.

---@class (exact) cloudbuild.options.native

---@class (exact) cloudbuild.options.cross
---@field build string The Debian architecture that the build runs on.
---@field profiles? string[] Build profiles of every cross build: what was built for elsewhere cannot be tested here. Default: { "cross", "nocheck" }.

---@class (exact) cloudbuild.options.emulated
---@field cpu? string The processor that qemu is during the build, such as `arm1176`; the chroot must run on it, too. Default: qemu's choice.
---@field time_factor? integer How many times longer a build takes. Default: 10.

---@class (exact) cloudbuild.options.cross_only

---@class (exact) cloudbuild.options.html
---@field confidence? number How sure its intervals have to be. Default: 0.95.

---@class (exact) cloudbuild.options.import
---@field sources? cloudbuild.AptSources Where packages come from. Default: cb.apt.system().
---@field arch? string Debian architecture to build for. Default: the machine's own.
---@field build_arch? string Another architecture, which cross builds run on. Default: none.
---@field overlay? cloudbuild.Overlay|(cloudbuild.Overlay)[] Local packages that supersede every other version of themselves. Default: {}.
---@field dsc? string One local source package instead of `sources`: its .dsc. Default: none.

---@class (exact) cloudbuild.options.order
---@field sources cloudbuild.Import|cloudbuild.Sources The import that the packages are in, or some of it.
---@field packages? string[]|cloudbuild.Selection By name or `name=version`, or a selection. Default: all of `sources`.
---@field not_for_us? string[] Source packages that are left out, by name. Default: {}.
---@field against? cloudbuild.Import|cloudbuild.Built|cloudbuild.CrossOnly|(cloudbuild.Import|cloudbuild.Built|cloudbuild.CrossOnly)[] What they will be built against, newest first. Default: the import.
---@field profiles? string[] Build profiles that a package may be built with where that breaks a loop. Default: { "nocheck", "nodoc" }.
---@field older_binaries? boolean Where packages need each other, build against the older binaries that are there. Default: true.
---@field overlay? boolean Build the sources of the import's overlay, too. Default: true.

---@class (exact) cloudbuild.options.launch
---@field [integer] cloudbuild.Builders Groups of builders.
---@field budget? cloudbuild.table.budget What builders in clouds may cost, all together. Default: none.

---@class (exact) cloudbuild.options.build
---@field order? cloudbuild.Order What to build. Default: that of `sources`.
---@field sources? cloudbuild.Import|cloudbuild.Sources What to build, where no `order` was made. Default: nothing.
---@field on cloudbuild.Fleet Who builds.
---@field stage? string The stage's name; each stage has its own jobs. Default: first, second, ....
---@field against? cloudbuild.Import|cloudbuild.Built|cloudbuild.CrossOnly|(cloudbuild.Import|cloudbuild.Built|cloudbuild.CrossOnly)[] Whose binaries are built against, newest layer first. Default: the order's import.
---@field how? cloudbuild.How|(cloudbuild.How)[] How jobs are built: what is tried for each of them, in turn. Default: { cb.native(), cb.emulated() }.
---@field environment? table<string, string> Variables for the build environment. Default: {}.
---@field suffix? string What is appended to versions: `+b1`, `~acme1`; never of `all`. Default: none.
---@field maintainer? string Who signs the changelog entry of a suffix: `Name <address>`. Default: cloudbuild's own.
---@field optional? boolean The run is good without what fails in it. Default: false.
---@field variant? cloudbuild.Variant The variant that is built. Default: none.
---@field flags? string|cloudbuild.table.flags What all packages are built with, after the variant's. Default: {}.
---@field cell? cloudbuild.Cell The cell of a matrix that is built. Default: none.
---@field rules? cloudbuild.table.match_and_set[] What some packages are built with; later wins. Default: {}.
---@field repeat_number? integer Of the same build once more, which one it is. Default: 1.
---@field measure? cloudbuild.table.measurements What is measured of what is built. Default: {}.
---@field publish? cloudbuild.Directory Also published meanwhile, so often as `every` says. Default: nothing.
---@field suite? string `Suite:` of that archive. Default: the place's, or the stage's name.
---@field mirror? cloudbuild.Directory Where copies of what is built with are kept, near the builders. Default: nowhere.
---@field verify? cloudbuild.table.verifications What is verified of built files. Default: {}.
---@field prove? boolean A proof will follow: make its chroot ready meanwhile. Default: false.

---@class (exact) cloudbuild.options.publish
---@field [integer] cloudbuild.Built Builds; a later one supersedes an earlier one.
---@field to cloudbuild.Directory Where the archive goes.
---@field suite? string `Suite:` of the archive. Default: the directory's, or the last stage's name.
---@field origin? string `Origin:` of the archive. Default: the directory's, or cloudbuild.
---@field label? string `Label:` of the archive. Default: the directory's, or the suite.
---@field variant? cloudbuild.Variant The variant that was built. Default: none.
---@field prove? boolean Install from the archive with real apt in a clean chroot. Default: false.

---@class (exact) cloudbuild.options.compare
---@field [integer] cloudbuild.Built Builds to compare.
---@field baseline? string The cell that others are compared with; where builds have no cells, the stage. Default: the first cell.
---@field report? cloudbuild.Report A page about it: `cb.html {}`. Default: none.

---@class (exact) cloudbuild.options.retry
---@field larger? boolean On a larger machine, where there is one. Default: false.
---@field parallel? integer With so many processes at once. Default: as before.
---@field alone? boolean With no other build beside it on its machine. Default: false.
---@field how? "native"|"cross"|"emulated" Built another way. Default: as before.

---@class (exact) cloudbuild.options.give_up

--- Cells that the same packages are built in, each in stages and an archive of its own.
---@class (exact) cloudbuild.table.cells
---@field [integer] cloudbuild.Cell Cells and toolchains, each with a name of its own.
---@field baseline? string The cell that is published and compared with. Default: the first cell.
---@field repeats? integer How often each cell is built. Default: 1.
---@field order? "interleaved"|"cell by cell" `interleaved` builds each cell once before any is repeated, so that a slow hour is nobody's. Default: interleaved.

--- Flags for the packages that match; of two rules the later one wins.
---@class (exact) cloudbuild.table.match_and_set
---@field match cloudbuild.table.what_packages_have Which packages.
---@field set cloudbuild.table.flags What they are built with.
---@field at? string File and line that it is written on, for messages. Default: found by itself.

--- Which packages: all that is said has to hold, and of each list one entry.
---@class (exact) cloudbuild.table.what_packages_have
---@field name? string|string[] Source packages; `*` and `?` stand for any text. Default: any.
---@field section? string|string[] `Section:` of the source package. Default: any.
---@field priority? string|string[] `Priority:` of one of its binary packages. Default: any.
---@field component? string|string[] The component that it is in, such as `main`. Default: any.
---@field uses? string|string[] A binary or source package that it build-depends on. Default: any.
---@field arch? string|string[] Architecture of the job; `all` is one of its own. Default: any.
---@field binary? string|string[] A binary package that it builds; `*` as in `name`. Default: any.

--- What packages are built with: flags, options, profiles and variables.
---@class (exact) cloudbuild.table.flags
---@field cflags? cloudbuild.table.changes_of_flags For all compilers, or those of `languages`. Default: {}.
---@field cxxflags? cloudbuild.table.changes_of_flags For C++ alone, after `cflags`. Default: {}.
---@field objcflags? cloudbuild.table.changes_of_flags For Objective-C alone, after `cflags`. Default: {}.
---@field objcxxflags? cloudbuild.table.changes_of_flags For Objective-C++ alone, after `cflags`. Default: {}.
---@field fflags? cloudbuild.table.changes_of_flags For Fortran alone, after `cflags`. Default: {}.
---@field gcjflags? cloudbuild.table.changes_of_flags For GCJ alone, after `cflags`. Default: {}.
---@field dflags? cloudbuild.table.changes_of_flags For D, which `cflags` do not reach. Default: {}.
---@field asflags? cloudbuild.table.changes_of_flags For the assembler alone, after `cflags`. Default: {}.
---@field cppflags? cloudbuild.table.changes_of_flags For the preprocessor. Default: {}.
---@field ldflags? cloudbuild.table.changes_of_flags For the linker. Default: {}.
---@field languages? string|string[] Languages that `cflags` reach. Default: all of them.
---@field options? string|string[] Words of DEB_BUILD_OPTIONS, such as `optimize=+lto`. Default: {}.
---@field profiles? string|string[] Build profiles. Default: {}.
---@field environment? table<string, string> Other variables for the build environment. Default: {}.

--- A change to the flags of one kind of compiler; dpkg does it by STRIP, APPEND and PREPEND.
---@class (exact) cloudbuild.table.changes_of_flags
---@field replace? table<string, string|string[]> Flags that are taken away, and what is appended instead. Default: {}.
---@field strip? string|string[] Flags that are taken away. Default: none.
---@field append? string|string[] Flags that come last, so that they win. Default: none.
---@field prepend? string|string[] Flags that come first. Default: none.

--- What is measured of every build.
---@class (exact) cloudbuild.table.measurements
---@field [integer] "build-time" What is measured of every build.
---@field bench? table<string, string> Scripts by source package, run where its packages are installed; they print lines of `name value unit`. Default: {}.

--- What is verified of built files, read from the files themselves.
---@class (exact) cloudbuild.table.verifications
---@field flags? boolean Compilers had the flags that were asked for. Default: false.
---@field isa? cloudbuild.table.an_instruction_set ARM files stay within it; others are not published. Default: any.
---@field installable? boolean Each package can be installed beside what was built. Default: false.
---@field run_under? string Programs start on this processor, as qemu names it; packages of those that do not are not published. Default: none.

--- An instruction set of 32-bit ARM, by what built files say of themselves.
---@class (exact) cloudbuild.table.an_instruction_set
---@field arch string Such as `armv6`, `armv7-a`.
---@field fpu string Such as `vfp`, `vfpv3-d16`, `neon`.

--- What the builders of a run may cost.
---@class (exact) cloudbuild.table.budget
---@field limit? string Launching stops before more is spent: `400 USD`. Default: none.
---@field confirm_above? string Needs `--yes` where it may cost more: `50 USD`. Default: none.

---@class (exact) cloudbuild
local cb = {}

---@class (exact) cloudbuild.apt
cb.apt = {}

--- Rebuilds packages and publishes an archive of them: import, order, launch, build, publish, compare.
---@param name string Names the run, and the archive that it publishes.
---@return fun(options: cloudbuild.options.campaign): cloudbuild.Recipe
function cb.campaign(name) end

--- A pass over a set of sources, built against a stated set of archives.
---@param name string Names the stage.
---@return fun(options: cloudbuild.options.stage): cloudbuild.Stage
function cb.stage(name) end

--- A cell of a matrix whose packages are built with other tools: another compiler, libraries or variant.
---@param name string Names the cell, and the stage that builds it.
---@return fun(options: cloudbuild.options.toolchain): cloudbuild.Toolchain
function cb.toolchain(name) end

--- A recipe that acts step by step: `run` calls the primitives.
---@param options cloudbuild.options.recipe
---@return cloudbuild.Recipe
function cb.recipe(options) end

--- This machine's own APT sources.
---@param options? cloudbuild.options.apt.system
---@return cloudbuild.AptSources
function cb.apt.system(options) end

--- The APT sources of one file, one-line or deb822, as in /etc/apt.
---@param file string The file, relative to the recipe's folder.
---@return cloudbuild.AptSources
function cb.apt.sources(file) end

--- A local source package for an overlay: it supersedes every other version, whatever the version numbers.
---@param dsc string Its .dsc, relative to the recipe's folder.
---@return cloudbuild.Overlay
function cb.source_package(dsc) end

--- A local source tree for an overlay, which is packed as it is and supersedes as a source package does.
---@param folder string The folder with debian/ in it, relative to the recipe's.
---@return cloudbuild.Overlay
function cb.source_tree(folder) end

--- A local binary package for an overlay: it is installed and published instead of every other version.
---@param deb string The .deb, relative to the recipe's folder.
---@return cloudbuild.Overlay
function cb.binary_package(deb) end

--- Every source package of the import.
---@param options? cloudbuild.options.everything
---@return cloudbuild.Selection
function cb.everything(options) end

--- The sources of required and important packages and of build-essential, with what these need to run.
---@param options? cloudbuild.options.base_system
---@return cloudbuild.Selection
function cb.base_system(options) end

--- The sources of some binary packages and of all that gets installed with them.
---@param options cloudbuild.options.runtime_closure
---@return cloudbuild.Selection
function cb.runtime_closure(options) end

--- Source packages that have what is asked for; each condition that is given has to hold.
---@param options cloudbuild.options.pick
---@return cloudbuild.Selection
function cb.pick(options) end

--- What a stage built with inputs that are no longer the same: their hashes are compared.
---@param stage string The stage.
---@return cloudbuild.Selection
function cb.changed_inputs(stage) end

--- One point of a matrix: what its packages are built with; `{}` is as the distribution builds them.
---@param name string Names the cell, and the stage that builds it.
---@return fun(options: cloudbuild.options.cell): cloudbuild.Cell
function cb.cell(name) end

--- The same Debian architecture, built for other hardware.
---@param name string Names the variant.
---@return fun(options: cloudbuild.options.variant): cloudbuild.Variant
function cb.variant(name) end

--- Builders on this machine.
---@param options? cloudbuild.options.here
---@return cloudbuild.Builders
function cb.here(options) end

--- A directory to publish an archive to.
---@param path string The archive's root; relative to the state directory.
---@return cloudbuild.Directory
function cb.dir(path) end

--- A place in an S3 bucket to publish an archive to; credentials are those of the AWS tools.
---@param url string `s3://bucket` or `s3://bucket/prefix`.
---@return cloudbuild.Directory
function cb.s3(url) end

--- Instances of a cloud with an EC2 API, launched when there is work and ended when there is none.
---@param options cloudbuild.options.ec2
---@return cloudbuild.Builders
function cb.ec2(options) end

--- Build in a chroot of the architecture itself, on a machine whose processor runs it.
---@param options? cloudbuild.options.native
---@return cloudbuild.How
function cb.native(options) end

--- Build in a chroot of another architecture, with a cross compiler.
---@param options cloudbuild.options.cross
---@return cloudbuild.How
function cb.cross(options) end

--- Build in a chroot of the architecture itself, whose programs qemu runs.
---@param options? cloudbuild.options.emulated
---@return cloudbuild.How
function cb.emulated(options) end

--- To build against: what cross builds run on, and of the architecture itself only what this run built.
---@param options? cloudbuild.options.cross_only
---@return cloudbuild.CrossOnly
function cb.cross_only(options) end

--- A page about the comparison of cells, in the state directory and beside what is published.
---@param options? cloudbuild.options.html
---@return cloudbuild.Report
function cb.html(options) end

--- Pins suites and their indexes: what the run builds from and against.
---@param options? cloudbuild.options.import
---@return cloudbuild.Import
function cb.import(options) end

--- Chooses source packages and puts them in build order.
---@param options cloudbuild.options.order
---@return cloudbuild.Order
function cb.order(options) end

--- Says which builders there are; they start when there is work.
---@param options cloudbuild.options.launch
---@return cloudbuild.Fleet
function cb.launch(options) end

--- Builds what an order lists.
---@param options cloudbuild.options.build
---@return cloudbuild.Built
function cb.build(options) end

--- Writes a signed archive of what was built.
---@param options cloudbuild.options.publish
---@return cloudbuild.Published
function cb.publish(options) end

--- Tells what came of builds, against what was there before, and cells against each other.
---@param options cloudbuild.options.compare
---@return cloudbuild.Comparison
function cb.compare(options) end

--- Answer of `on_failure`: try the job once more, three times at most.
---@param options? cloudbuild.options.retry
---@return cloudbuild.Retry
function cb.retry(options) end

--- Answer of `on_failure`: leave the job failed.
---@param options? cloudbuild.options.give_up
---@return cloudbuild.GiveUp
function cb.give_up(options) end

--- Answer of `on_stage_done`: end the run here; its next start goes on.
---@param why string What a person should look at first.
---@return cloudbuild.Pause
function cb.pause(why) end

--- Answer of `choose_flags` and `choose_how`: this source is not built.
---@param why string Why it is left out.
---@return cloudbuild.Skip
function cb.skip(why) end

--- A regular expression: Rust's, on bytes, without look-around and back-references, so that it ends.
---@param pattern string As written in `[[...]]`; `(?i)` ignores case.
---@return cloudbuild.Pattern
function cb.re(pattern) end

return cb
