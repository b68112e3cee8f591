import { Known, Nothing, Section, Snippet } from '../../parts/keep'
import { Listing, type Cell } from '../../parts/listing'
import { Markdown } from '../../parts/markdown'
import { go } from '../../state/address'
import { useAsk } from '../../state/ask'
import { useMay } from '../../state/session'
import { First } from './first'
import { here, listSenders, readSender, type Sender } from './senders'

const cells: Cell<Sender>[] = [
  { title: 'Sender', cell: (s) => s.name },
  { title: 'Speaks', cell: (s) => s.protocol },
]

/** Connect says how a sender is connected, and waits for its first event. */
export function Connect({ which }: { which: string | undefined }) {
  return which === undefined ? <Senders /> : <One key={which} id={which} />
}

function Senders() {
  const senders = useAsk('senders', listSenders, 'keep')
  return (
    <>
      <p class="place-lead">What sends? Each has a configuration to copy, with this engine’s address in it.</p>
      <Known of={senders}>{(all) => <Listing name="Senders" cells={cells} rows={all} keyOf={(s) => s.id} onOpen={(id) => go('/sources/connect/' + id)} />}</Known>
    </>
  )
}

function One({ id }: { id: string }) {
  const senders = useAsk('senders', listSenders, 'keep')
  const pieces = useAsk('sender ' + id, () => readSender(id))
  const lacks = useMay('administer')
  const sender = senders.value?.find((s) => s.id === id)
  return (
    <Known of={pieces}>
      {(all) => all === null ? <Nothing title="There is no page about this sender"><p class="keep-actions"><a class="button" href="/sources/connect">All senders</a></p></Nothing> : (
        <>
          <p class="place-lead"><a class="link" href="/sources/connect">All senders</a> / {sender?.name ?? id}</p>
          <First />
          <p>Put a key of role <code>intake</code> where it says <code>NIGHTJAR_KEY</code>: it sends events, and sees nothing. {lacks === '' ? <a class="link" href="/operation/keys?role=intake">Make one</a> : <span class="mut">An admin makes one.</span>}</p>
          <Section title="Configuration">
            {all.map((p, i) => p.kind === 'code'
              ? <Snippet key={i} text={here(p.text)} name={`Copy configuration ${i + 1}`} />
              : p.kind === 'heading' ? <h3 key={i} class="connect-heading">{p.text}</h3> : <div key={i} class="connect-text"><Markdown text={here(p.text)} /></div>)}
          </Section>
        </>
      )}
    </Known>
  )
}
