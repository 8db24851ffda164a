//! What banners say: button roles by text, in many languages.
