import { useState } from 'preact/hooks'
import { Problem } from '../../parts/problem'
import { Table } from '../../parts/table'
import { change } from '../../state/address'
import { useListState } from './filter'
import { useList } from './use-list'
import { allColumns, usualColumns } from './columns'

export function SignalList() {
  const { filter, sort, open } = useListState()
  const list = useList(filter, sort)
  const [ticked] = useState<ReadonlySet<string>>(new Set())
  return (
    <main class="signals">
      {list.error && <Problem error={list.error} again={list.again} />}
      <Table
        name="Signals" columns={allColumns.filter((c) => usualColumns.includes(c.id))} rows={list.rows} total={undefined}
        keyOf={(s) => s.id} rowHeight={24} current={open || undefined} ticked={ticked} sort={sort}
        onSort={(s) => change({ sort: s })} onOpen={(s) => change({ signal: s.id })} onTick={() => undefined} onEnd={list.next}
      />
    </main>
  )
}
