import { useState } from 'preact/hooks'
import type { Key } from '../../../api/access'
import { Known, Nothing, Section, Snippet } from '../../../parts/keep'
import { Listing, type Cell } from '../../../parts/listing'
import { Markdown } from '../../../parts/markdown'
import { go } from '../../../state/address'
import { useAsk } from '../../../state/ask'
import { First } from './first'
import { SenderKey } from './key'
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
  const [text, setText] = useState('')
  const fits = (s: Sender) => `${s.name} ${s.protocol}`.toLowerCase().includes(text.trim().toLowerCase())
  return (
    <>
      <p class="place-lead">What sends? Each has a configuration to copy, with this engine’s address in it.</p>
      <form class="keep-form" onSubmit={(e) => e.preventDefault()}><label>Find a sender <input class="field" type="search" value={text} onInput={(e) => setText(e.currentTarget.value)} /></label></form>
      <Known of={senders}>
        {(all) => all.some(fits) ? <Listing name="Senders" cells={cells} rows={all.filter(fits)} keyOf={(s) => s.id} onOpen={(id) => go('/sources/connect/' + id)} />
          : <Nothing title="No sender is called so"><p>Anything that can post lines or JSON over HTTP, or speaks syslog, can send.</p><p class="keep-actions"><a class="button" href="/sources/connect/http">JSON or text over HTTP</a><a class="button" href="/sources/connect/logger">Syslog</a></p></Nothing>}
      </Known>
    </>
  )
}

function One({ id }: { id: string }) {
  const senders = useAsk('senders', listSenders, 'keep')
  const pieces = useAsk('sender ' + id, () => readSender(id))
  const [made, setMade] = useState<Key | undefined>()
  const name = senders.value?.find((s) => s.id === id)?.name ?? id
  const filled = (text: string) => (made ? here(text).replace(/\$?NIGHTJAR_KEY/g, made.key) : here(text))
  return (
    <Known of={pieces}>
      {(all) => all === null ? <Nothing title="There is no page about this sender"><p class="keep-actions"><a class="button" href="/sources/connect">All senders</a></p></Nothing> : (
        <>
          <p class="place-lead"><a class="link" href="/sources/connect">All senders</a> / {name}</p>
          <First speaksSyslog={all.some((p) => /syslog-(tcp|udp|tls)/.test(p.text))} />
          {all.some((p) => p.text.includes('NIGHTJAR_KEY')) && <SenderKey sender={id} made={made} onMade={setMade} />}
          <Section title="Configuration">
            {all.map((p, i) => p.kind === 'code'
              ? <Snippet key={i} text={filled(p.text)} name={`Copy configuration ${i + 1}`} />
              : p.kind === 'heading' ? <h3 key={i} class="connect-heading">{p.text}</h3> : <div key={i} class="connect-text"><Markdown text={here(p.text)} /></div>)}
          </Section>
        </>
      )}
    </Known>
  )
}
