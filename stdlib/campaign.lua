--- `cb.campaign "name" { ... }`: the whole way: import, then order and build each stage, publish, compare.
local cb = require "cloudbuild"

--- Raises an error of the campaign's line, with advice.
local function wrong(message, hint) error(message .. "\nhint: " .. hint, 0) end

--- The campaign's stages; one that builds `packages` where none are named.
local function stages_of(options)
  local stages = options.stages
  if not stages then
    if not options.packages then
      wrong("`cb.campaign`: `packages` is missing: expected a list of strings or a selection",
            "say what to build, or give `stages`")
    end
    return { cb.stage "first" { packages = options.packages } }
  end
  if options.packages then
    wrong("`cb.campaign`: expected `packages` or `stages`, got both", "each stage says its own packages")
  end
  if stages.kind then stages = { stages } end
  local seen = {}
  for number, stage in ipairs(stages) do
    local at = "stages[" .. number .. "]"
    if seen[stage.name] then
      wrong("`" .. at .. "`: expected a name of its own for each stage, got `" .. stage.name .. "` again",
            "each stage has its own jobs")
    end
    for _, layer in ipairs(stage.against or {}) do
      if type(layer) == "string" and not seen[layer] then
        wrong("`" .. at .. ".against`: expected a stage before `" .. stage.name .. "`, got `" .. layer .. "`",
              "stages are built in the order of the list")
      end
    end
    seen[stage.name] = true
  end
  if #stages == 0 then wrong("`stages`: expected at least one stage, got an empty list", "write `cb.stage \"first\" { ... }`") end
  return stages
end

--- The options have been checked against the declaration of `campaign`.
---@param name string
---@param options cloudbuild.options.campaign
---@return cloudbuild.Recipe
return function(name, options)
  local sources  = options.sources or cb.apt.system()
  local builders = options.builders or cb.here()
  local target   = options.publish or cb.dir "archive"
  local prove    = options.prove ~= false
  local stages   = stages_of(options)

  if builders.kind then builders = { builders } end

  return cb.recipe {
    name  = name,
    about = "rebuild packages and publish them as `" .. name .. "`",

    run = function(cb)
      local imports, built, all, installed = {}, {}, {}, 0

      --- Each list of sources is imported once.
      local function import(list)
        imports[list] = imports[list] or cb.import { sources = list, arch = options.arch }
        return imports[list]
      end

      local imported, fleet = import(sources), nil
      for number, stage in ipairs(stages) do
        local against = {}
        for _, layer in ipairs(stage.against or { sources }) do
          against[#against + 1] = built[layer] or import(layer)
        end
        local order  = cb.order { sources = imported, packages = stage.packages, against = against,
                                  not_for_us = options.not_for_us }
        fleet = fleet or cb.launch(builders)
        local result = cb.build { stage = stage.name, order = order, against = against, on = fleet,
                                  environment = options.environment, optional = stage.optional,
                                  prove = prove and number == #stages }
        built[stage.name] = result
        all[number] = result
        installed = installed + result.installed
      end

      -- An archive without packages helps nobody, and would replace one that has some.
      if installed > 0 then
        cb.publish { to = target, prove = prove, suite = target.suite or name, origin = target.origin,
                     label = target.label or name, table.unpack(all) }
      end
      return cb.compare(all)
    end,
  }
end
