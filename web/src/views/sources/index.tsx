import type { ViewProps } from '../../views'
import { Place } from '../../parts/keep'
import { Connect } from './connect'
import { Pipelines } from './pipelines'
import { SourceList } from './list'
import { Tables } from './tables'

const tabs = [
  { href: '/sources', title: 'Sources' },
  { href: '/sources/connect', title: 'Connect one' },
  { href: '/sources/pipelines', title: 'Pipelines' },
  { href: '/sources/tables', title: 'Reference tables' },
]

/** Sources are what sends events, what reads them, and the tables that they are compared with. */
export default function Sources({ rest: [place, which] }: ViewProps) {
  return (
    <Place title="Sources" tabs={tabs} here={'/sources' + (place === undefined ? '' : '/' + place)}>
      {place === undefined ? <SourceList /> : place === 'connect' ? <Connect which={which} /> : place === 'pipelines' ? <Pipelines /> : place === 'tables' ? <Tables /> : <p class="keep-nothing">There is no such place here.</p>}
    </Place>
  )
}
