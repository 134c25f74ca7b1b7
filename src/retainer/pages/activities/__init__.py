"""Pages of activities (calls, meetings, notes): the list, an activity, the form."""
