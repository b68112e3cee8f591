import type { ViewProps } from '../../views'
import { Nothing, Place } from '../../parts/keep'
import { useMay } from '../../state/session'
import { Audit } from './audit'
import { Evaluation } from './evaluation'
import { Health } from './health'
import { Keys } from './keys'
import { Notifications } from './notifications'
import { Sessions } from './sessions'
import { Storage } from './storage'
import { Users } from './users'
import './operation.css'

const tabs = [
  { href: '/operation', title: 'Health' },
  { href: '/operation/evaluation', title: 'Evaluation' },
  { href: '/operation/storage', title: 'Storage' },
  { href: '/operation/notifications', title: 'Notifications' },
  { href: '/operation/keys', title: 'Keys' },
  { href: '/operation/users', title: 'Users' },
  { href: '/operation/audit', title: 'Audit log' },
]

/** Operation is how the engine is, whom it tells, and who may come in. */
export default function Operation({ rest: [place, id] }: ViewProps) {
  const lacks = useMay('administer')
  const shut = place !== undefined && ['keys', 'users', 'audit'].includes(place) && lacks !== ''
  return (
    <Place title="Operation" tabs={tabs} here={'/operation' + (place === undefined || place === 'health' ? '' : '/' + place)}>
      {shut ? <Nothing title="This is for admins"><p>It {lacks}: who may come in, and what everybody did, is not shown to others.</p></Nothing> : <Shown place={place} id={id} />}
    </Place>
  )
}

function Shown({ place, id }: { place: string | undefined; id: string | undefined }) {
  switch (place) {
    case undefined: case 'health': return <Health />
    case 'evaluation': return <Evaluation />
    case 'storage': return <Storage />
    case 'sessions': return <Sessions />
    case 'notifications': return <Notifications id={id} />
    case 'keys': return <Keys />
    case 'users': return <Users />
    case 'audit': return <Audit />
    default: return <Nothing title="There is no such place here" />
  }
}
