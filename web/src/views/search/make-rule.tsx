import { go, pathOf } from '../../state/address'

/** MakeRule leads to the editor of rules with this search in it. */
export function MakeRule({ query, wrong }: { query: string; wrong: boolean }) {
  const lacks = query === '*' ? 'A rule takes a query' : wrong ? 'The query can’t be read' : ''
  return <button class="button" disabled={lacks !== ''} title={lacks} onClick={() => go(pathOf(['rules', 'new'], { query }))}>Make a rule</button>
}
