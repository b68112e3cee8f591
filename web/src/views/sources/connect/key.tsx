import { useState } from 'preact/hooks'
import { createKey, type Key } from '../../../api/access'
import { Snippet } from '../../../parts/keep'
import { tell } from '../../../state/done'
import { useMay } from '../../../state/session'
import { oneLine } from '../../../state/text'

/** SenderKey makes a key that may send events and nothing else; it is shown once, here and in what is copied. */
export function SenderKey({ sender, made, onMade }: { sender: string; made: Key | undefined; onMade: (k: Key) => void }) {
  const lacks = useMay('administer')
  const [making, setMaking] = useState(false)
  const make = async () => {
    setMaking(true)
    try {
      onMade(await createKey({ name: `sender ${sender} ${new Date().toISOString().slice(0, 16).replace('T', ' ')}`, role: 'intake', expiresIn: '', rate: 0, uses: 0 }))
    } catch (e) {
      tell({ text: `No key was made: ${(e as Error).message}`, failed: true })
    }
    setMaking(false)
  }
  if (made) {
    return (
      <div class="keep-secret" role="status">
        <p>The key <b class="hi">{oneLine(made.name, 120)}</b> may send events, and sees nothing. It stands in what you copy below, and is shown until you leave this page:</p>
        <Snippet text={made.key} name="Copy the key" />
      </div>
    )
  }
  return (
    <div class="connect-key">
      <p>Where it says <code>NIGHTJAR_KEY</code> goes a key of role <code>intake</code>: it sends events, and sees nothing.</p>
      <p class="keep-actions">
        <button class="button" disabled={lacks !== '' || making} title={lacks} onClick={() => void make()}>Make a key, and put it in</button>
        {lacks !== '' && <span class="small mut">Making one {lacks}.</span>}
      </p>
    </div>
  )
}
