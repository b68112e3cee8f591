// The views: a row for each folder of views. A view is loaded when somebody opens it; its
// name is the first part of its addresses, and stands in Views of ../web.go too.
import type { ComponentType } from 'preact'

export interface ViewProps {
  /** What follows the view's name in the path. */
  rest: string[]
}

export interface View {
  name: string
  title: string
  /** The second letter of the keys that lead there: g s. */
  letter: string
  /** It is in the bar at the top. */
  listed: boolean
  load: () => Promise<{ default: ComponentType<ViewProps> }>
}

export const views: View[] = [
  { name: 'signals', title: 'Signals', letter: 's', listed: true, load: () => import('./views/signals') },
  { name: 'search', title: 'Search', letter: 'f', listed: true, load: () => import('./views/search') },
  { name: 'entity', title: 'Entity', letter: '', listed: false, load: () => import('./views/entity') },
  { name: 'sources', title: 'Sources', letter: 'o', listed: true, load: () => import('./views/sources') },
  { name: 'rules', title: 'Rules', letter: 'r', listed: true, load: () => import('./views/rules') },
  { name: 'suppressions', title: 'Suppressions', letter: 'u', listed: true, load: () => import('./views/suppressions') },
  { name: 'agents', title: 'Agents', letter: 'a', listed: true, load: () => import('./views/agents') },
  { name: 'operation', title: 'Operation', letter: 'e', listed: true, load: () => import('./views/operation') },
]
