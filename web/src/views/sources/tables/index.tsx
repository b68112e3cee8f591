import { APIError } from '../../../api/client'
import { readTable } from '../../../api/tables'
import { Known, Nothing } from '../../../parts/keep'
import { useAsk } from '../../../state/ask'
import { TableList } from './list'
import { NewTable } from './new'
import { TablePage } from './table'

/** Tables are the reference tables: their list, a new one, and one with its rows. */
export default function Tables({ which }: { which: string | undefined }) {
  return which === undefined ? <TableList /> : which === 'new' ? <NewTable /> : <One key={which} id={which} />
}

function One({ id }: { id: string }) {
  const table = useAsk('table ' + id, (stop) => readTable(id, stop), 'keep')
  if (table.error instanceof APIError && [400, 404].includes(table.error.status) && table.value === undefined) {
    return <Nothing title="There is no such table"><p>It may have been deleted.</p><p class="keep-actions"><a class="button" href="/sources/tables">All tables</a></p></Nothing>
  }
  return <Known of={table}>{(t) => <TablePage of={t} again={table.again} />}</Known>
}
