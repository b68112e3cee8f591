import { listSources } from '../../api/sources'
import type { ViewProps } from '../../views'
import { Nothing, Place } from '../../parts/keep'
import { useAddress } from '../../state/address'
import { useAsk } from '../../state/ask'
import { Connect } from './connect/connect'
import Pipelines from './pipelines'
import { Again } from './again'
import { SourceList } from './list'
import { SourcePanel } from './source'
import Tables from './tables'
import Intel from './intel'
import './sources.css'

const tabs = [
  { href: '/sources', title: 'Sources' },
  { href: '/sources/connect', title: 'Connect one' },
  { href: '/sources/pipelines', title: 'Pipelines' },
  { href: '/sources/tables', title: 'Reference tables' },
  { href: '/sources/intel', title: 'Threat lists' },
]

/** Sources are what sends events, what reads them, and the tables that they are compared with. */
export default function Sources({ rest: [place, which] }: ViewProps) {
  if (place === undefined) return <Senders />
  return (
    <Place title="Sources" tabs={tabs} here={place === 'again' ? '/sources/pipelines' : '/sources/' + place}>
      {place === 'connect' ? <Connect which={which} /> : place === 'pipelines' ? <Pipelines which={which} /> : place === 'tables' ? <Tables which={which} /> : place === 'intel' ? <Intel /> : place === 'again' ? <Again /> : <Nothing title="There is no such place here" />}
    </Place>
  )
}

function Senders() {
  const { query } = useAddress()
  const sources = useAsk('sources', listSources, 'keep')
  const name = query.get('source')
  const open = sources.value && name !== null ? sources.value.all.find((s) => s.name === (name === '-' ? '' : name)) : undefined
  return (
    <Place title="Sources" tabs={tabs} here="/sources" panel={open && sources.value && <SourcePanel of={open} all={sources.value} />}>
      <SourceList sources={sources} />
    </Place>
  )
}
