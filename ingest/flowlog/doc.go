// Package flowlog reads VPC flow logs whose first line names their fields, as the files
// in S3 do: the fields of a format of one's own may come in any order.
//
// Start at Head. Fields may come in any order: TestFieldsMayComeInAnyOrder.
package flowlog
