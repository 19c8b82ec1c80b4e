"""``model.train``: learn an adapter from a dataset, behind the gate."""
