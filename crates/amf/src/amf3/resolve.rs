use super::Value;

/// The value that a [`Value::Reference`] means, given all values that share its tables.
///
/// References are not followed while reading: a few of them can mean more values than there is memory for, or
/// themselves.
///
/// ```
/// use levada_amf::amf3::{self, Value};
///
/// let message = [Value::from("no object"), Value::Date(0.0), Value::Reference(0)];
/// assert_eq!(amf3::resolve(&message, 0), Some(&Value::Date(0.0)));
/// ```
pub fn resolve(values: &[Value], index: u32) -> Option<&Value> {
    let mut left = usize::try_from(index).ok()?;
    values.iter().find_map(|value| find(value, &mut left))
}

/// AMF3 §2.2: complex values take their index when they begin, before their members.
fn find<'a>(value: &'a Value, left: &mut usize) -> Option<&'a Value> {
    if matches!(
        value,
        Value::Undefined
            | Value::Null
            | Value::Boolean(_)
            | Value::Integer(_)
            | Value::Double(_)
            | Value::String(_)
            | Value::Reference(_)
    ) {
        return None;
    }
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    match value {
        Value::Array(array) => {
            let members = array.members().iter().map(|(_, member)| member);
            members.chain(array.items()).find_map(|member| find(member, left))
        }
        Value::Object(object) => object.iter().find_map(|(_, member)| find(member, left)),
        Value::Externalizable(wrapper) => find(wrapper.body(), left),
        Value::VectorObject(vector) => vector.items().iter().find_map(|item| find(item, left)),
        Value::Dictionary(dictionary) => {
            let mut entries = dictionary.entries().iter();
            entries.find_map(|(key, value)| find(key, left).or_else(|| find(value, left)))
        }
        _ => None,
    }
}
