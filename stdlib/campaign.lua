--- `cb.campaign "name" { ... }`: the whole way, once: import, order, launch, build, publish, compare.
local cb = require "cloudbuild"

--- The options have been checked against the declaration of `campaign`.
---@param name string
---@param options cloudbuild.options.campaign
---@return cloudbuild.Recipe
return function(name, options)
  local sources  = options.sources or cb.apt.system()
  local builders = options.builders or cb.here()
  local target   = options.publish or cb.dir "archive"
  local prove    = options.prove ~= false

  if builders.kind then builders = { builders } end

  return cb.recipe {
    name  = name,
    about = "rebuild packages and publish them as `" .. name .. "`",

    run = function(cb)
      local imported = cb.import { sources = sources, arch = options.arch }
      local order    = cb.order { sources = imported, packages = options.packages }
      local fleet    = cb.launch(builders)
      local built    = cb.build { stage = "first", order = order, against = imported, on = fleet,
                                  environment = options.environment, prove = prove }
      -- An archive without packages helps nobody, and would replace one that has some.
      if built.installed > 0 then
        cb.publish { built, to = target, prove = prove,
                     suite = target.suite or name, origin = target.origin, label = target.label or name }
      end
      return cb.compare { built }
    end,
  }
end
