"""How the use of a word changed from one period to another: measures, intervals and tests."""
