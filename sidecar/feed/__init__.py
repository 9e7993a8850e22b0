"""From commits to listeners: the change log read since a cursor, and its fan-out in memory."""
