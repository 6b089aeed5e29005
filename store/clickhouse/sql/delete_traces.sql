-- Remove the rows of some traces from one table; every part that holds one is written anew.
ALTER TABLE {table} DELETE WHERE project = {project:String} AND {id} IN {ids:Array(String)}
