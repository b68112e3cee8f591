import { useBound } from '../state/keys'
import { Dialog } from './dialog'

/** KeyList says which keys act here. */
export function KeyList({ close }: { close: () => void }) {
  return (
    <Dialog title="Keys" close={close} class="key-list">
      <dl>
        {useBound().map((b) => (
          <div key={b.keys}>
            <dt>{b.keys.split(' ').map((k) => <kbd key={k}>{k.replace('Shift+', '⇧').replace('Enter', '↵').replace('Mod+', '⌘')}</kbd>)}</dt>
            <dd>{b.does}</dd>
          </div>
        ))}
      </dl>
      <p class="key-list-foot small mut"><a class="link" href="/licences.txt" target="_blank" rel="noreferrer">Licences</a> of what the page is made with</p>
    </Dialog>
  )
}
