import { z } from 'zod'
import { EngineError } from '../errors.ts'
import type { BuiltInTool, VoiceParameters } from './built-in-tool.ts'

/** The tool that changes a parameter; none where no pipeline lets voices change anything. */
export function parameterTool(parameters: VoiceParameters): BuiltInTool[] {
  const [first, ...others] = parameters.list()
  if (first === undefined) return []
  const all = [first, ...others]
  const options = z.strictObject({
    parameter: z.enum(all.map(({ name }) => name) as [string, ...string[]]),
    value: z.unknown().describe('Of the parameter’s own type'),
  })
  const described = all.map(
    ({ name, schema, value }) => `${name} ${JSON.stringify(schema)}, now ${JSON.stringify(value)}`,
  )
  return [
    {
      name: 'set_parameter',
      description: `Changes a parameter of a running pipeline, until the engine stops. Parameters: ${described.join('; ')}.`,
      options,
      call: (given) => {
        const { parameter, value } = given as z.output<typeof options>
        return `${parameter} is ${JSON.stringify(change(parameters, parameter, value))} now`
      },
    },
  ]
}

/** Models like to write numbers and lists as texts: such a one is read as JSON where the text itself does not fit. */
function change(parameters: VoiceParameters, name: string, value: unknown): unknown {
  try {
    return parameters.set(name, value)
  } catch (error) {
    const read = error instanceof EngineError && typeof value === 'string' ? parseJson(value) : undefined
    if (read === undefined) throw error
    return parameters.set(name, read)
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // A text that is none: it does not fit as it is.
    return undefined
  }
}
