import { from } from 'rxjs'
import type { ZodType } from 'zod'
import { Edge } from '../../engine/core/edge.ts'
import type { Kind, PacketOf } from '../../engine/core/packet.ts'
import type { Node } from '../../engine/core/plugin.ts'
import type { Tools } from '../../engine/tools.ts'

/** What a node of objects makes of packets, all of them, and its edge, which has counted them. */
export function runNode<K extends Kind, O>(
  node: Node<'objects', K, O, Tools> & { readonly options: ZodType<O> },
  options: object,
  packets: Iterable<PacketOf<'objects'>>,
): { readonly out: PacketOf<K>[]; readonly edge: Edge } {
  const edge = new Edge('p/out', { queue: 8, full: 'oldest' })
  const out: PacketOf<K>[] = []
  from(packets)
    .pipe(node.create(node.options.parse(options), { stream: 'out', edge } as Tools))
    .subscribe((packet) => out.push(packet))
  return { out, edge }
}
