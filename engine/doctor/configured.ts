import type { Config } from '../config.ts'
import type { PipelineSpec, StreamSpec } from '../core/graph.ts'
import { EngineError } from '../errors.ts'
import { readPipeline } from '../pipeline-set.ts'

/** Pipelines of the configuration that can be read; what is wrong with others is the business of the check of pipelines. */
export function configuredPipelines({ pipelines, pipelinesFolder }: Config): PipelineSpec[] {
  return pipelines.flatMap((entry) => {
    try {
      return [readPipeline(entry, pipelinesFolder)]
    } catch (error) {
      if (error instanceof EngineError) return []
      throw error
    }
  })
}

/** All streams of those, named `<pipeline>/<stream>`. */
export function configuredStreams(config: Config): (StreamSpec & { readonly path: string })[] {
  return configuredPipelines(config).flatMap(({ name, streams }) =>
    Object.entries(streams).map(([stream, spec]) => ({ ...spec, path: `${name}/${stream}` })),
  )
}
