use super::Value;

/// The object or array that a [`Value::Reference`] of a message means, given all values of that message.
///
/// References are not followed while reading: a few of them can mean more values than there is memory for, or
/// themselves.
///
/// ```
/// use levada_amf::{Object, Value, amf0};
///
/// let message = [Object::new().with("app", "live").into(), Value::Reference(0)];
/// assert_eq!(amf0::resolve(&message, 0), Some(&message[0]));
/// assert_eq!(amf0::resolve(&message, 1), None);
/// ```
pub fn resolve(values: &[Value], index: u16) -> Option<&Value> {
    let mut left = usize::from(index);
    values.iter().find_map(|value| find(value, &mut left))
}

/// AMF0 §2.9: complex values take their index when they begin, before their members.
fn find<'a>(value: &'a Value, left: &mut usize) -> Option<&'a Value> {
    let properties = value.as_object();
    let items = value.as_array();
    if properties.is_none() && items.is_none() {
        return None;
    }
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    let members = properties.into_iter().flatten().map(|(_, member)| member);
    members.chain(items.unwrap_or_default()).find_map(|member| find(member, left))
}
