"""A model, a backbone and a rig for emo3d_exp."""
